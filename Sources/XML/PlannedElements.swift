/// Elements that are written with the prefixes of a plan.
extension ElementWriter {
    /// Writes an element with the prefixes of a plan.
    mutating func planned(
        _ index: Int, _ place: Place, _ context: UnsafeBufferPointer<UInt8>, _ plan: NamespacePlan,
        leavingOut isLeftOut: (UnsafeBufferPointer<UInt8>) -> Bool, adding add: (inout ElementWriter) -> Void
    ) {
        let node = place.nodes[index]
        let end = Int(node.d)
        let namespace = place.namespace(node)
        let isDefault = namespace.count == context.count && (namespace.isEmpty || isSame(namespace, context))
        // The outermost element is in the default namespace of what is inside.
        let prefix = isDefault || index == plan.first ? nil : plan.namespaces[plan.number(index)].prefix
        append(UInt8(ascii: "<"))
        qualify(prefix, place.name(node))
        if prefix == nil { declare(namespace, within: context) }
        for number in plan.declarations[index] ?? [] {
            raw(" xmlns:")
            raw(plan.namespaces[number].prefix ?? [])
            raw("='")
            escapeAttribute(plan.namespaces[number].name)
            append(UInt8(ascii: "'"))
        }
        var at = attributes(index + 1, end, place, plan, leavingOut: isLeftOut)
        add(&self)
        guard at < end else { return raw("/>") }
        append(UInt8(ascii: ">"))
        while at < end {
            let content = place.nodes[at]
            if content.kind == .element {
                planned(at, place, prefix == nil ? namespace : context, plan, leavingOut: { _ in false }, adding: { _ in })
                at = Int(content.d)
            } else {
                escapeText(place.slice(content.a, Int(content.d)))
                at += 1
            }
        }
        raw("</")
        qualify(prefix, place.name(node))
        append(UInt8(ascii: ">"))
    }

    private func isSame(_ one: UnsafeBufferPointer<UInt8>, _ other: UnsafeBufferPointer<UInt8>) -> Bool {
        one.baseAddress.map { equalBytes($0, other.baseAddress, one.count) } ?? true
    }

    private mutating func qualify(_ prefix: [UInt8]?, _ name: UnsafeBufferPointer<UInt8>) {
        if let prefix {
            raw(prefix)
            append(UInt8(ascii: ":"))
        }
        append(name)
    }

    /// Attributes of an element with the prefixes of a plan; answers where the content begins.
    private mutating func attributes(
        _ start: Int, _ end: Int, _ place: Place, _ plan: NamespacePlan,
        leavingOut isLeftOut: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Int {
        var at = start
        while at < end, place.nodes[at].kind == .attribute {
            let node = place.nodes[at]
            let name = place.name(node)
            defer { at += 1 }
            if isLeftOut(name) { continue }
            append(UInt8(ascii: " "))
            if let separator = name.firstIndex(of: ElementParser.separator) {
                if let prefix = plan.namespaces[plan.number(at)].prefix {
                    qualify(prefix, UnsafeBufferPointer(rebasing: name[(separator + 1)...]))
                } else {
                    qualified(name, at - start)
                }
            } else {
                append(name)
            }
            raw("='")
            escapeAttribute(place.slice(node.c, Int(node.d)))
            append(UInt8(ascii: "'"))
        }
        return at
    }
}
