internal import Configuration
internal import Pools

/// Which entries of a directory are users, and what they are called: the filters of `auth.ldap`.
struct DirectoryRules: Sendable {
    private let options: LDAPAuthOptions
    private let domain: String

    init(_ options: LDAPAuthOptions, domain: String) {
        self.options = options
        self.domain = domain
    }

    /// What is wanted of an entry.
    var attributes: [String] {
        var names = options.userNames.map(\.attribute) + (options.entryFilter?.attributes ?? [])
        if let local = options.localFilter { names.append(local.attribute) }
        return names.reduce(into: []) { list, name in
            if !list.contains(where: { $0.lowercased() == name.lowercased() }) { list.append(name) }
        }
    }

    /// Finds one user: one of the attributes has the name, and the entry meets `filter`.
    func filter(user: String) -> String { filter(userPattern: DirectoryFilter.escaped(user)) }

    /// Finds all users.
    var filterForAll: String { filter(userPattern: "*") }

    private func filter(userPattern: String) -> String {
        let names = options.userNames.map { "(\($0.attribute)=\($0.format))" }
        let whole = DirectoryFilter.all((options.filter.map { [$0] } ?? []) + [DirectoryFilter.any(names)])
        return DirectoryFilter.fill(whole, ["u": [userPattern], "d": [DirectoryFilter.escaped(domain)]])
    }

    /// Whether an entry meets `local_filter`.
    func allowsLocally(_ entry: DirectoryConnection.Entry) -> Bool {
        guard let filter = options.localFilter else { return true }
        let hasOne = entry.values(filter.attribute).contains(where: filter.values.contains)
        return hasOne == filter.isEqual
    }

    /// What must find something for `dn_filter` to be met by an entry; nil without one.
    func nameFilter(_ entry: DirectoryConnection.Entry, user: String) -> String? {
        guard let filter = options.entryFilter else { return nil }
        let values = filter.attributes.map { DirectoryFilter.escaped(entry.values($0).first ?? "") }
        return DirectoryFilter.fill(
            filter.filter,
            [
                "u": [DirectoryFilter.escaped(user)], "d": [DirectoryFilter.escaped(domain)],
                "D": [DirectoryFilter.escaped(entry.name)], "s": values,
            ])
    }

    /// The user names in an entry's attributes: what stands where the format has `%u`.
    func userNames(of entry: DirectoryConnection.Entry) -> [String] {
        options.userNames.flatMap { name -> [String] in
            let format = DirectoryFilter.fill(name.format, ["d": [domain]])
            guard let place = format.firstRange(of: "%u") else { return [] }
            let (prefix, suffix) = (format[..<place.lowerBound].lowercased(), format[place.upperBound...].lowercased())
            return entry.values(name.attribute).compactMap { value in
                let lower = value.lowercased()
                guard lower.hasPrefix(prefix), lower.hasSuffix(suffix), lower.count > prefix.count + suffix.count
                else { return nil }
                return String(value.dropFirst(prefix.count).dropLast(suffix.count))
            }
        }
    }
}
