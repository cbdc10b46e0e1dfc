import SASL
import Testing

@Suite("SCRAM keys in MongooseIM's form", .timeLimit(.minutes(5)))
struct SerializedCredentialsTests {
    /// From its documentation; the passwords are `padthai` and `misio`.
    private static let several = """
        ==MULTI_SCRAM==,4096,\
        ===SHA1===QClQsw/sfPEnwj4AEp6E1w==|ys1104hRhqMoRputBY5sLHKXoSw=|EJvxXWM42tO7BgW21lNZyBc1dD0=,\
        ==SHA224==dk0ImXFVPoUfqD5FveV7YA==|G0ibQ/YYuCtoun4I+1IF2zJ7Q8x2T23ETnq5Gg==|EvE2EkZcUb3k4CooeOcVFy95P32t+NDX0xbQUA==,\
        ==SHA256==M7BYKSo04XbzBr4C7b056g==|A779MC05nSGQln5no0hKTGHFSaQ7oguKBZgORW3s+es=|XhtGFf6NDWsnVSCO4xkzPD3qc046fPL0pATZi7RmaWo=,\
        ==SHA384==Ryu0fA29gbwgqFOBk5Mczw==|k3QwC0Lb1y1/V/31byC5KML5t3mH4JTPjFyeAz7lV2l4SPfzi3JHvLEdoNB5K/VY|kR+LMI/E0QBG3oF405/MTAT6NAlCOfPrFOaWH3WBVGM0Viu9Brk6kGwVwXjSP8v0,\
        ==SHA512==SLNuVNcWiNBmnYZNIdj+zg==|3ey3gzSsmbxcLnoc1VKCR/739uKX6uuPCyAzn6x8o87ibcjOdUaU8qhL5X4MUI9UPTt667GagNpVTmAWTFNsjA==|jUUDbuQ9ae4UnAWS6RV6W4yifX3La3ESjfZjGol+TBROIb/ihR8UawPHrSHkp4yyDJXtRhR9RlHCHy4bcCm1Yg==
        """
    private static let single =
        "==SCRAM==,tmi5IE+9pceRV/jkPLFHEaVY33c=,MiWNa8T3dniVDwmh77ufJ41fpAQ=,inKXODlSY5y5SCsLxibi0w==,4096"

    @Test("keys of five hashes are read, and hold for the password", arguments: ScramHash.allCases)
    func readsSeveral(_ hash: ScramHash) throws {
        let keys = try #require(SerializedCredentials.decode(Self.several))
        #expect(keys.count == 5)
        let own = try #require(keys[hash])
        #expect(own.iterations == 4096)
        #expect(own.verify(Password(prepared: "padthai")))
        #expect(!own.verify(Password(prepared: "padthay")))
    }

    @Test("what has been read is written as it was")
    func writesTheSame() {
        #expect(SerializedCredentials.decode(Self.several).flatMap(SerializedCredentials.encode) == Self.several)
    }

    @Test("keys of a single hash are read")
    func readsSingle() throws {
        let keys = try #require(SerializedCredentials.decode(Self.single))
        #expect(Array(keys.keys) == [.sha1])
        #expect(keys[.sha1]?.verify(Password(prepared: "misio")) == true)
    }

    @Test("a salt that all hashes share is read")
    func readsShared() throws {
        let salt = [UInt8](1...16)
        let made = try ScramHash.allCases.map { hash in
            try #require(
                ScramCredentials.derive(password: Password(prepared: "x"), salt: salt, iterations: 10, hash: hash))
        }
        let labels: [ScramHash: String] = [
            .sha1: "===SHA1===", .sha224: "==SHA224==", .sha256: "==SHA256==", .sha384: "==SHA384==", .sha512: "==SHA512==",
        ]
        let parts = made.map { own in
            "\(labels[own.hash] ?? "")\(Base64.encode(own.storedKey))|\(Base64.encode(own.serverKey))"
        }
        let line = "==MULTI_SCRAM==,\(Base64.encode(salt)),10,\(parts.joined(separator: ","))"
        #expect(SerializedCredentials.decode(line)?.values.allSatisfy { made.contains($0) } == true)
    }

    @Test(
        "what is cut short, garbled or empty is nothing",
        arguments: [
            "", "password", "==SCRAM==,", "==SCRAM==,a,b,c,4096", "==MULTI_SCRAM==,", "==MULTI_SCRAM==,4096",
            "==MULTI_SCRAM==,4096,===SHA1===QClQsw/sfPEnwj4AEp6E1w==|ys1104hRhqMoRputBY5sLHKXoSw=",
            "==MULTI_SCRAM==,4096,==SHA256==QClQsw/sfPEnwj4AEp6E1w==|ys1104hRhqMoRputBY5sLHKXoSw=|EJvxXWM42tO7BgW21lNZyBc1dD0=",
            "==MULTI_SCRAM==,0,===SHA1===QClQsw/sfPEnwj4AEp6E1w==|ys1104hRhqMoRputBY5sLHKXoSw=|EJvxXWM42tO7BgW21lNZyBc1dD0=",
            "==MULTI_SCRAM==,4096,===MD5===x|y|z", "==MULTI_SCRAM==,4096,,",
        ])
    func refuses(_ text: String) { #expect(SerializedCredentials.decode(text) == nil) }

    @Test("no prefix of a line is taken for a whole one that it is not")
    func prefixes() {
        for count in 0..<Self.single.count {
            let keys = SerializedCredentials.decode(String(Self.single.prefix(count)))
            // Without its last digits the number is another one.
            #expect(keys == nil || keys?[.sha1]?.iterations != 4096)
        }
    }

    @Test("no line without keys, or of different counts")
    func encodesNothing() throws {
        #expect(SerializedCredentials.encode([:]) == nil)
        let one = try #require(ScramCredentials.derive(password: Password(prepared: "x"), salt: [1], iterations: 1, hash: .sha1))
        let two = try #require(ScramCredentials.derive(password: Password(prepared: "x"), salt: [1], iterations: 2, hash: .sha256))
        #expect(SerializedCredentials.encode([.sha1: one, .sha256: two]) == nil)
    }
}
