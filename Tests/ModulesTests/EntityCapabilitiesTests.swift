import Testing
import XML

@testable import Modules

@Suite(.timeLimit(.minutes(5))) struct EntityCapabilitiesTests {
    private static let features = """
        <feature var='http://jabber.org/protocol/muc'/><feature var='http://jabber.org/protocol/caps'/>\
        <feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/disco#info'/>
        """
    private static let softwareForm = """
        <x xmlns='jabber:x:data' type='result'>\
        <field var='software_version'><value>0.11</value></field>\
        <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>\
        <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>\
        <field var='os'><value>Mac</value></field><field var='software'><value>Psi</value></field>\
        <field var='os_version'><value>10.5.1</value></field></x>
        """

    private func query(_ contents: String) throws -> Element {
        let bytes = Array("<query xmlns='http://jabber.org/protocol/disco#info'>\(contents)</query>".utf8)
        return try bytes.withUnsafeBytes { try ElementParser().element($0, in: .client, limits: Limits(bytes: .max)) }
    }

    /// XEP-0115 §5.2.
    @Test func simpleExample() throws {
        let query = try query("<identity category='client' name='Exodus 0.9.1' type='pc'/>" + Self.features)
        #expect(CapabilityHash.verification(of: query) == "QgayPKawpkPSDYmwT/WM94uAlu0=")
    }

    /// XEP-0115 §5.3.
    @Test func complexExample() throws {
        let query = try query(
            "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
                + "<identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>" + Self.features + Self.softwareForm)
        #expect(CapabilityHash.verification(of: query) == "q07IKJEyjvHSyhy//CH0CxmKi8w=")
    }

    @Test(arguments: [
        "<x xmlns='jabber:x:data' type='result'><field var='a'><value>b</value></field></x>",
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>t</value></field></x>",
        "<x xmlns='something:else'/>",
    ])
    func whatDoesNotCount(_ form: String) throws {
        #expect(CapabilityHash.text(of: try query("<feature var='f'/>" + form)) == "f<")
    }

    @Test func sortsByBytes() throws {
        let query = try query(
            "<identity category='b' type='a'/><identity category='a' type='z' name='n'/><feature var='é'/>"
                + "<feature var='z'/><feature var='Z'/>")
        #expect(CapabilityHash.text(of: query) == "a/z//n<b/a//<Z<z<é<")
    }
}
