import Glibc

@testable import Network

/// Certificates made once for all tests of this file.
enum Certificates {
    static let directory: String = {
        let path = Shell.run("mktemp -d /tmp/network-tests.XXXXXX").filter { $0 != "\n" }
        for name in ["one", "two"] {
            _ = Shell.run(
                """
                openssl req -x509 -newkey rsa:2048 -nodes -keyout \(path)/\(name).key -out \(path)/\(name).crt -days 2 \
                -subj /CN=\(name).example -addext subjectAltName=DNS:\(name).example 2>/dev/null
                """)
        }
        _ = Shell.run("openssl rsa -aes128 -passout pass:open -in \(path)/one.key -out \(path)/locked.key 2>/dev/null")
        _ = Shell.run(
            "openssl req -x509 -newkey rsa:2048 -sha512 -nodes -keyout \(path)/long.key -out \(path)/long.crt -subj /CN=long 2>/dev/null"
        )
        atexit { _ = Shell.run("rm -rf \(Certificates.directory)") }
        return path
    }()

    static func bytes(_ name: String) -> [UInt8] { Array(Shell.run("cat \(directory)/\(name)").utf8) }

    /// A list of an authority that has signed none of the certificates here.
    static func emptyRevocationList() -> [UInt8] {
        _ = Shell.run(
            """
            cd \(directory); : > index; echo 01 > number; cat > ca.cnf <<'END'
            [ca]
            default_ca = own
            [own]
            database = index
            crlnumber = number
            default_md = sha256
            default_crl_days = 30
            END
            openssl ca -config ca.cnf -gencrl -cert long.crt -keyfile long.key -out list.pem 2>/dev/null
            """)
        return bytes("list.pem")
    }

    static func options(_ name: String = "one") -> TLSOptions {
        TLSOptions(certificateChain: bytes("\(name).crt"), privateKey: bytes("\(name).key"))
    }

    static func contexts(_ change: (inout TLSOptions) -> Void = { _ in }) throws -> TLSContextSet {
        var options = options()
        change(&options)
        return TLSContextSet(standard: try TLSContext(options: options))
    }
}
