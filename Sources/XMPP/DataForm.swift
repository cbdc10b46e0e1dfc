public import XML

/// A data form (XEP-0004): what is asked for, or what was filled in.
///
/// Reading is linear in the form. A form has as many fields and values as its stanza has room for; of two fields with one
/// name the first counts (XEP-0004 §3.2 wants names to be unique).
public struct DataForm: Equatable, Sendable {
    public static let namespace = "jabber:x:data"

    /// The form's type (XEP-0004 §3.1).
    public enum Kind: String, Sendable {
        case form, submit, cancel, result
    }

    public struct Field: Equatable, Sendable {
        public var name: String
        /// Its type (XEP-0004 §3.3); nil: not said, which counts as `text-single`.
        public var type: String?
        public var values: [String]
        /// What stands in the field besides, such as options or what values must be like (XEP-0122).
        public var extra: [Element]

        public init(_ name: String, type: String? = nil, _ values: [String] = [], extra: [Element] = []) {
            self.name = name
            self.type = type
            self.values = values
            self.extra = extra
        }
    }

    public var kind: Kind
    /// The fields that have a name, without `FORM_TYPE`.
    public private(set) var fields: [Field]
    /// What the fields mean: the value of the field `FORM_TYPE` (XEP-0068); nil: the form does not say.
    public var formType: String?
    /// Whether a field has no name, which only a fixed text may lack (XEP-0004 §3.2).
    public private(set) var hasNamelessField = false
    private var places: [String: Int] = [:]

    public init(_ kind: Kind, formType: String? = nil, _ fields: [Field] = []) {
        self.kind = kind
        self.formType = formType
        self.fields = []
        for field in fields { append(field) }
    }

    /// Reads the first form among an element's children. Nil: there is none, or it is of no type that there is.
    public init?(in parent: Element) {
        guard let form = parent.child("x", Self.namespace) else { return nil }
        self.init(form)
    }

    /// Reads the `<x/>` itself.
    public init?(_ form: Element) {
        guard form.is("x", Self.namespace), let kind = Kind(rawValue: form["type"] ?? "") else { return nil }
        self.init(kind)
        for child in form.children where child.is("field", Self.namespace) {
            let values = child.children.filter { $0.is("value", Self.namespace) }.map(\.text)
            guard let name = child["var"] else {
                hasNamelessField = hasNamelessField || child["type"] != "fixed"
                continue
            }
            if name == "FORM_TYPE" {
                formType = formType ?? values.first
            } else {
                append(Field(name, type: child["type"], values))
            }
        }
    }

    private mutating func append(_ field: Field) {
        if places[field.name] == nil { places[field.name] = fields.count }
        fields.append(field)
    }

    public subscript(_ name: String) -> Field? { places[name].map { fields[$0] } }

    /// The first value of a field; nil: no such field, or it has none.
    public func value(_ name: String) -> String? { self[name]?.values.first }

    /// The form as an element, `FORM_TYPE` first.
    public var element: Element {
        let hidden = kind == .submit ? nil : "hidden"
        let type: [Field] = formType.map { [.init("FORM_TYPE", type: hidden, [$0])] } ?? []
        return Element("x", Self.namespace, ["type": kind.rawValue], (type + fields).map(Self.element))
    }

    private static func element(_ field: Field) -> Element {
        Element(
            "field", namespace, ["var": field.name, "type": field.type],
            field.values.map { Element("value", namespace, text: $0) } + field.extra)
    }
}
