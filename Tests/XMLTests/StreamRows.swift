import Testing

/// One stream and what must be found in it.
struct StreamRow: Sendable, CustomTestStringConvertible {
    let name: String
    let input: [UInt8]
    let found: [String]

    /// A whole stream.
    init(_ name: String, _ input: String, _ found: String...) {
        self.name = name
        self.input = Array(input.utf8)
        self.found = found
    }

    /// A whole stream in an encoding that is not to be had.
    init(_ name: String, foreign input: [UInt8]) {
        self.name = name
        self.input = input
        found = ["error unsupportedEncoding"]
    }

    /// The bytes of each character, its value being so many bytes long.
    static func wide(_ text: String, _ width: Int, isBigEndian: Bool) -> [UInt8] {
        text.unicodeScalars.flatMap { scalar in
            let bytes = (0..<width).map { UInt8(truncatingIfNeeded: scalar.value >> (8 * UInt32($0))) }
            return isBigEndian ? bytes.reversed() : bytes
        }
    }

    /// UTF-16 and UTF-32, with a byte order mark and without, in front of all that a stream may begin with.
    static let encodings = [(2, true), (2, false), (4, true), (4, false)].flatMap { width, isBigEndian in
        ["", "\u{feff}"].flatMap { mark in
            ["<?xml version='1.0'?>", " \n", ""].map { start in
                StreamRow(
                    "UTF-\(8 * width) \(isBigEndian ? "big" : "little")-endian \(mark.isEmpty ? "" : "mark") '\(start)'",
                    foreign: wide(mark + start + header, width, isBigEndian: isBigEndian))
            }
        }
    }

    /// What comes after a usual header.
    init(_ name: String, inside input: String, _ found: String...) {
        self.name = name
        self.input = Array((Self.header + input).utf8)
        self.found = [Self.opened] + found
    }

    /// What comes after a usual header, with bytes in the middle that are no UTF-8.
    init(_ name: String, inside before: String, bytes: [UInt8], _ after: String, _ found: String...) {
        self.name = name
        input = Array((Self.header + before).utf8) + bytes + Array(after.utf8)
        self.found = [Self.opened] + found
    }

    var testDescription: String { name }

    static let header =
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
    static let opened = "header {http://etherx.jabber.org/streams}stream"
}

extension StreamRow {
    static let openings = [
        StreamRow("header", header, opened),
        StreamRow("declaration and header", "<?xml version='1.0'?>" + header, "declaration", opened),
        StreamRow("declaration with encoding", "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n" + header, "declaration", opened),
        StreamRow("standalone", "<?xml version='1.0' standalone='yes'?>" + header, "declaration", opened),
        StreamRow("white space first", " \r\n\t" + header, opened),
        StreamRow("double quotes", header.replacing("'", with: "\""), opened),
        StreamRow("white space in the header", header.replacing(" ", with: "\n\t "), opened),
        StreamRow("another root", "<a b='c'>", "header {}a"),
        StreamRow("default namespace of streams", "<stream xmlns='http://etherx.jabber.org/streams'>", opened),
        StreamRow("another prefix", "<s:stream xmlns:s='http://etherx.jabber.org/streams'>", opened),
        StreamRow("other encoding", "<?xml version='1.0' encoding='UTF-16'?>" + header, "error unsupportedEncoding"),
        StreamRow("Latin 1", "<?xml version='1.0' encoding='iso-8859-1'?>" + header, "error unsupportedEncoding"),
        StreamRow("unknown encoding", "<?xml version='1.0' encoding='x'?>" + header, "error unsupportedEncoding"),
        StreamRow("other XML", "<?xml version='1.1'?>" + header, "error notWellFormed"),
        StreamRow("declaration without version", "<?xml encoding='UTF-8'?>" + header, "error notWellFormed"),
        StreamRow("empty declaration", "<??>" + header, "error notWellFormed"),
        StreamRow("two declarations", "<?xml version='1.0'?><?xml version='1.0'?>" + header, "declaration", "error restricted"),
        StreamRow("declaration after white space", " <?xml version='1.0'?>" + header, "error restricted"),
        StreamRow("instruction first", "<?php echo?>" + header, "error restricted"),
        StreamRow("comment first", "<!-- hi -->" + header, "error restricted"),
        StreamRow("document type", "<!DOCTYPE stream [<!ENTITY a 'b'>]>" + header, "error restricted"),
        StreamRow("byte order mark", "\u{feff}" + header, "error notWellFormed"),
        StreamRow("garbage", "GET / HTTP/1.1\r\n\r\n", "error notWellFormed"),
        StreamRow("TLS record", "\u{16}\u{3}\u{1}", "error notWellFormed"),
        StreamRow("NUL", "\0" + header, "error unsupportedEncoding"),
        StreamRow("end before the beginning", "</stream:stream>", "error notWellFormed"),
        StreamRow("header that is empty", "<stream:stream xmlns:stream='a'/>", "error notWellFormed"),
        StreamRow("header with an unbound prefix", "<stream:stream xmlns='jabber:client'>", "error notWellFormed"),
        StreamRow("header with an attribute twice", "<a b='c' b='d'>", "error notWellFormed"),
        StreamRow("header with an open attribute", "<a b='c><d/>", "error notWellFormed"),
        StreamRow("header with `<` in it", "<a <b/>", "error notWellFormed"),
    ]

    static let elements = [
        StreamRow("empty element", inside: "<iq/>", "<iq xmlns='jabber:client'/>"),
        StreamRow("start and end tag", inside: "<iq></iq>", "<iq xmlns='jabber:client'/>"),
        StreamRow("white space in tags", inside: "<iq\n a = 'b'\t></iq \r\n>", "<iq xmlns='jabber:client' a='b'/>"),
        StreamRow("two elements", inside: "<a/><b/>", "<a xmlns='jabber:client'/>", "<b xmlns='jabber:client'/>"),
        StreamRow(
            "white space between", inside: " \n<a/> \t\r\n <b/>  ", "<a xmlns='jabber:client'/>", "<b xmlns='jabber:client'/>"),
        StreamRow(
            "text, elements and white space", inside: "<m>\n <b>hi</b>\n <c/>x</m>",
            "<m xmlns='jabber:client'>\n <b>hi</b>\n <c/>x</m>"),
        StreamRow(
            "text after a child is its parent's", inside: "<m><b>hi</b>you</m>", "<m xmlns='jabber:client'><b>hi</b>you</m>"),
        StreamRow(
            "brackets in attributes", inside: "<m a='1>2' b=\"/>\" c='\"'/>",
            "<m xmlns='jabber:client' a='1&gt;2' b='/&gt;' c='&quot;'/>"),
        StreamRow("slashes in attributes", inside: "<m to='a@b/c/'/>", "<m xmlns='jabber:client' to='a@b/c/'/>"),
        StreamRow(
            "predefined entities", inside: "<m a='&lt;&apos;'>&amp;&lt;&gt;&quot;&apos;</m>",
            "<m xmlns='jabber:client' a='&lt;&apos;'>&amp;&lt;>\"'</m>"),
        StreamRow("character references", inside: "<m>&#65;&#x263A;&#x1F600;</m>", "<m xmlns='jabber:client'>A☺😀</m>"),
        StreamRow("line ends become one", inside: "<m a='1\r\n2'>1\r\n2\r3</m>", "<m xmlns='jabber:client' a='1 2'>1\n2\n3</m>"),
        StreamRow(
            "white space by reference stays", inside: "<m a='&#10;&#9;'>&#13;</m>",
            "<m xmlns='jabber:client' a='&#10;&#9;'>&#13;</m>"),
        StreamRow(
            "CDATA", inside: "<m>a<![CDATA[<b>&amp;]]x]>]]>c</m>", "<m xmlns='jabber:client'>a&lt;b>&amp;amp;]]x]>c</m>"),
        StreamRow("CDATA with brackets", inside: "<m><![CDATA[]]]]></m>", "<m xmlns='jabber:client'>]]</m>"),
        StreamRow("empty CDATA", inside: "<m><![CDATA[]]></m>", "<m xmlns='jabber:client'/>"),
        StreamRow("CDATA with an end tag", inside: "<m><![CDATA[</m>]]></m>", "<m xmlns='jabber:client'>&lt;/m></m>"),
        StreamRow("Unicode", inside: "<m é='ü'>Grüße, 你好 👩‍👩‍👧</m>", "<m xmlns='jabber:client' é='ü'>Grüße, 你好 👩‍👩‍👧</m>"),
        StreamRow("Unicode name", inside: "<мир/>", "<мир xmlns='jabber:client'/>"),
        StreamRow("own namespace", inside: "<m><x xmlns='y'><z/></x></m>", "<m xmlns='jabber:client'><x xmlns='y'><z/></x></m>"),
        StreamRow("no namespace", inside: "<m><x xmlns=''/></m>", "<m xmlns='jabber:client'><x xmlns=''/></m>"),
        StreamRow("prefix", inside: "<m xmlns:p='y'><p:x/><x/></m>", "<m xmlns='jabber:client'><x xmlns='y'/><x/></m>"),
        StreamRow(
            "prefix of the header", inside: "<stream:features><a/></stream:features>",
            "<features xmlns='http://etherx.jabber.org/streams'><a xmlns='jabber:client'/></features>"),
        StreamRow(
            "attribute with a prefix", inside: "<m xmlns:p='y' p:a='1' a='2'/>",
            "<m xmlns='jabber:client' xmlns:ns0='y' ns0:a='1' a='2'/>"),
        StreamRow("language", inside: "<m xml:lang='de'/>", "<m xmlns='jabber:client' xml:lang='de'/>"),
        StreamRow(
            "same child name in other namespaces", inside: "<m><x xmlns='1'/><x xmlns='2'/><x xmlns='2'/></m>",
            "<m xmlns='jabber:client'><x xmlns='1'/><x xmlns='2'/><x xmlns='2'/></m>"),
        StreamRow(
            "a second header", inside: header + "</stream:stream>",
            "<stream xmlns='http://etherx.jabber.org/streams' version='1.0'/>"),
        StreamRow("footer", inside: "</stream:stream>", "footer"),
        StreamRow("footer with white space", inside: "<a/> </stream:stream \n>", "<a xmlns='jabber:client'/>", "footer"),
        StreamRow("after the footer", inside: "</stream:stream><a/>", "footer"),
        StreamRow("footer of another", inside: "</stream>", "wrong footer"),
        StreamRow("footer that goes on", inside: "</stream:streams>", "wrong footer"),
        StreamRow(
            "prefix by the header", "<a xmlns:p='y'><p:b p:c='d'/></a>", "header {}a", "<b xmlns='y' xmlns:ns0='y' ns0:c='d'/>",
            "footer"),
    ]

    static let mistakes = [
        StreamRow("text at top level", inside: "<a/>b<c/>", "<a xmlns='jabber:client'/>", "error notWellFormed"),
        StreamRow("reference at top level", inside: "&#32;", "error notWellFormed"),
        StreamRow("comment", inside: "<m><!-- hi --></m>", "error restricted"),
        StreamRow("comment between", inside: "<!-- hi --><m/>", "error restricted"),
        StreamRow("instruction", inside: "<m><?hi?></m>", "error restricted"),
        StreamRow("instruction between", inside: "<?hi?><m/>", "error restricted"),
        StreamRow("late declaration", inside: "<?xml version='1.0'?>", "error restricted"),
        StreamRow("document type inside", inside: "<m><!DOCTYPE a></m>", "error restricted"),
        StreamRow("document type between", inside: "<!DOCTYPE a>", "error restricted"),
        StreamRow("undefined entity", inside: "<m>&nbsp;</m>", "error restricted"),
        StreamRow("undefined entity in an attribute", inside: "<m a='&b;'/>", "error restricted"),
        StreamRow("reference to nothing", inside: "<m>&#0;</m>", "error notWellFormed"),
        StreamRow("reference to a surrogate", inside: "<m>&#xD800;</m>", "error notWellFormed"),
        StreamRow("reference beyond Unicode", inside: "<m>&#x110000;</m>", "error notWellFormed"),
        StreamRow("lone ampersand", inside: "<m>a & b</m>", "error notWellFormed"),
        StreamRow("lone less", inside: "<m>a < b</m>", "error notWellFormed"),
        StreamRow("heart", inside: "<m>I <3 you</m>", "error notWellFormed"),
        StreamRow("end of CDATA in text", inside: "<m>]]></m>", "error notWellFormed"),
        StreamRow("broken CDATA", inside: "<m><![CDATE[]]></m>", "error notWellFormed"),
        StreamRow("lower-case CDATA", inside: "<m><![cdata[]]></m>", "error notWellFormed"),
        StreamRow("wrong end tag", inside: "<message><body></message>", "error notWellFormed"),
        StreamRow("wrong end tag, whole", inside: "<message><body></message></body>", "error notWellFormed"),
        StreamRow(
            "wrong end tag, deep", inside: "<a><b><c><d><e><f><g><h><i><j></k></i></h></g></f></e></d></c></b></a>",
            "error notWellFormed"),
        StreamRow("end tag in other case", inside: "<a></A>", "error notWellFormed"),
        StreamRow("end tag with other prefix", inside: "<a></stream:a>", "error notWellFormed"),
        StreamRow("end tag with attribute", inside: "<a></a b='c'>", "error notWellFormed"),
        StreamRow("end tag without name", inside: "<a></>", "error notWellFormed"),
        StreamRow("space before the name", inside: "< a/>", "error notWellFormed"),
        StreamRow("tag without name", inside: "<>", "error notWellFormed"),
        StreamRow("two less", inside: "<<a/>", "error notWellFormed"),
        StreamRow("name that begins with a digit", inside: "<1/>", "error notWellFormed"),
        StreamRow("name with two colons", inside: "<stream:a:b/>", "error notWellFormed"),
        StreamRow("name that begins with a combining mark", inside: "<\u{301}a/>", "error notWellFormed"),
        StreamRow("unbound prefix", inside: "<p:m/>", "error notWellFormed"),
        StreamRow("unbound prefix inside", inside: "<m><p:b/></m>", "error notWellFormed"),
        StreamRow("unbound prefix of an attribute", inside: "<m p:a=''/>", "error notWellFormed"),
        StreamRow("prefix out of scope", inside: "<m><x xmlns:p='y'/><p:x/></m>", "error notWellFormed"),
        StreamRow("prefix undeclared", inside: "<m xmlns:p=''/>", "error notWellFormed"),
        StreamRow("prefix xml bound elsewhere", inside: "<m xmlns:xml='y'/>", "error notWellFormed"),
        StreamRow("prefix xmlns", inside: "<m xmlns:xmlns='y'/>", "error notWellFormed"),
        StreamRow("attribute twice", inside: "<m a='1' a='2'/>", "error notWellFormed"),
        StreamRow("attribute twice by namespace", inside: "<m xmlns:p='y' xmlns:q='y' p:a='1' q:a='2'/>", "error notWellFormed"),
        StreamRow("attribute without value", inside: "<m a/>", "error notWellFormed"),
        StreamRow("attribute without quotes", inside: "<m a=b/>", "error notWellFormed"),
        StreamRow("attribute left open", inside: "<m to='a><body>b</body></m>", "error notWellFormed"),
        StreamRow("less in an attribute", inside: "<m a='<'/>", "error notWellFormed"),
        StreamRow("attributes without space", inside: "<m a='1'b='2'/>", "error notWellFormed"),
        StreamRow("slash inside a tag", inside: "<m/ >", "error notWellFormed"),
        StreamRow("slash before an attribute", inside: "<m / a='b'>", "error notWellFormed"),
        StreamRow("control character", inside: "<m>\u{1}</m>", "error notWellFormed"),
        StreamRow("form feed", inside: "<m>\u{c}</m>", "error notWellFormed"),
        StreamRow("control character in an attribute", inside: "<m a='\u{1f}'/>", "error notWellFormed"),
        StreamRow("NUL in text", inside: "<m>\0</m>", "error notWellFormed"),
        StreamRow("NUL in a name", inside: "<m\0/>", "error notWellFormed"),
        StreamRow("NUL between", inside: "<a/>\0", "<a xmlns='jabber:client'/>", "error notWellFormed"),
        StreamRow("noncharacter", inside: "<m>\u{fffe}</m>", "error notWellFormed"),
        StreamRow("overlong", inside: "<m>", bytes: [0xc0, 0xaf], "</m>", "error unsupportedEncoding"),
        StreamRow("overlong, three bytes", inside: "<m>", bytes: [0xe0, 0x80, 0xaf], "</m>", "error unsupportedEncoding"),
        StreamRow("surrogate", inside: "<m>", bytes: [0xed, 0xa0, 0x80], "</m>", "error unsupportedEncoding"),
        StreamRow("beyond Unicode", inside: "<m>", bytes: [0xf4, 0x90, 0x80, 0x80], "</m>", "error unsupportedEncoding"),
        StreamRow("lone continuation", inside: "<m>", bytes: [0x80], "</m>", "error unsupportedEncoding"),
        StreamRow("truncated", inside: "<m>", bytes: [0xe2, 0x82], "</m>", "error unsupportedEncoding"),
        StreamRow("never in UTF-8", inside: "<m a='", bytes: [0xff, 0xfe], "'/>", "error unsupportedEncoding"),
        StreamRow("bad name", inside: "<m", bytes: [0xc3], "/>", "error unsupportedEncoding"),
        StreamRow(
            "whole ones before", inside: "<a/><b><c/></b><d></e>", "<a xmlns='jabber:client'/>",
            "<b xmlns='jabber:client'><c/></b>", "error notWellFormed"),
    ]
}
