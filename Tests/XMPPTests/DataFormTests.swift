import Testing
import XML
import XMPP

@Suite("XEP-0004: data forms", .timeLimit(.minutes(1)))
struct DataFormTests {
    private func read(_ fields: String, type: String = "submit") throws -> DataForm? {
        let text = "<query xmlns='urn:example'><x xmlns='jabber:x:data' type='\(type)'>\(fields)</x></query>"
        return DataForm(
            in: try Array(text.utf8).withUnsafeBytes {
                try ElementParser().element($0, in: .client, limits: Limits(bytes: 100_000))
            })
    }

    @Test("a submitted form is its fields by their names")
    func submittedFormIsRead() throws {
        let form = try #require(
            try read(
                """
                <field var='FORM_TYPE'><value>urn:what</value></field>
                <field var='one'><value>1</value></field>
                <field var='many' type='list-multi'><value>a</value><value>b</value></field>
                <field var='empty'/>
                """))
        #expect(form.kind == .submit && form.formType == "urn:what")
        #expect(form.fields.map(\.name) == ["one", "many", "empty"])
        #expect(form.value("one") == "1")
        #expect(form["many"]?.values == ["a", "b"] && form["many"]?.type == "list-multi")
        #expect(form["empty"]?.values == [] && form.value("empty") == nil && form["none"] == nil)
        #expect(!form.hasNamelessField)
    }

    @Test("of two fields with one name the first counts")
    func firstFieldCounts() throws {
        let form = try #require(try read("<field var='a'><value>1</value></field><field var='a'><value>2</value></field>"))
        #expect(form.value("a") == "1" && form.fields.count == 2)
    }

    @Test("a field without a name is told, unless it is a fixed text")
    func namelessFieldIsTold() throws {
        #expect(try read("<field type='fixed'><value>Hello</value></field>")?.hasNamelessField == false)
        #expect(try read("<field><value>1</value></field>")?.hasNamelessField == true)
    }

    @Test("a form is of a type that there is", arguments: ["", "other", "SUBMIT"])
    func unknownTypeIsNoForm(type: String) throws { #expect(try read("", type: type) == nil) }

    @Test("what is foreign is no field")
    func foreignElementsAreLeftOut() throws {
        let form = try #require(try read("<field xmlns='urn:other' var='a'><value>1</value></field><title>t</title>"))
        #expect(form.fields.isEmpty)
    }

    @Test("a form that is written is read again as it was", arguments: [DataForm.Kind.form, .submit, .result, .cancel])
    func formComesBack(kind: DataForm.Kind) {
        let form = DataForm(
            kind, formType: "urn:what", [.init("a", type: "text-single", ["<&>"]), .init("b", type: nil, ["1", "2"]), .init("c")])
        #expect(DataForm(form.element) == form)
        #expect(form.element.children.first { _ in true }?["var"] == "FORM_TYPE")
    }
}
