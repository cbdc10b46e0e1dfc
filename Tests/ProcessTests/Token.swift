import Foundation
import TestKit

/// JSON Web Tokens (RFC 7519), signed by `openssl`, which knows nothing of the library that checks them.
enum Token {
    private static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func body(_ claims: String, _ algorithm: String) -> String {
        encode(Array("{\"alg\":\"\(algorithm)\",\"typ\":\"JWT\"}".utf8)) + "." + encode(Array(claims.utf8))
    }

    private static func openssl(_ arguments: [String]) throws {
        guard let openssl = Programs.installed("openssl") else { throw TestFailure("openssl is not installed") }
        let outcome = try ChildProcess.run(openssl, arguments)
        guard outcome.status == 0 else { throw TestFailure("openssl \(arguments): \(outcome.error)") }
    }

    static func unsigned(_ claims: String) -> String { body(claims, "none") + "." }

    static func hs256(_ claims: String, key: String) throws -> String {
        let directory = try ScratchDirectory()
        let body = body(claims, "HS256")
        try directory.write(body, to: "body")
        let digits = key.utf8.map { String(format: "%02x", $0) }.joined()
        try openssl([
            "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:\(digits)", "-binary", "-out", directory.file("signature"),
            directory.file("body"),
        ])
        return body + "." + encode(try signature(in: directory))
    }

    private static func signature(in directory: ScratchDirectory) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: directory.file("signature"))))
    }

    static func keyPair(in directory: ScratchDirectory, _ options: [String]) throws -> (privateKey: String, publicKey: String) {
        let (own, open) = (directory.file("private.pem"), directory.file("public.pem"))
        try openssl(["genpkey"] + options + ["-out", own])
        try openssl(["pkey", "-in", own, "-pubout", "-out", open])
        return (own, open)
    }

    static func signed(_ claims: String, _ algorithm: String, by key: String, in directory: ScratchDirectory) throws -> String {
        let body = body(claims, algorithm)
        try directory.write(body, to: "body")
        try openssl(["dgst", "-sha256", "-sign", key, "-out", directory.file("signature"), directory.file("body")])
        let made = try signature(in: directory)
        return body + "." + encode(algorithm.hasPrefix("ES") ? try joined(made) : made)
    }

    /// The two numbers of an ECDSA signature of P-256, side by side (RFC 7518 §3.4), out of their DER sequence.
    private static func joined(_ der: [UInt8]) throws -> [UInt8] {
        var at = 2
        var result: [UInt8] = []
        for _ in 0..<2 {
            guard der.count > at + 1, der[at] == 2 else { throw TestFailure("no signature in DER") }
            let number = der[(at + 2)..<(at + 2 + Int(der[at + 1]))].drop { $0 == 0 }
            result += [UInt8](repeating: 0, count: 32 - number.count) + number
            at += 2 + Int(der[at + 1])
        }
        return result
    }
}
