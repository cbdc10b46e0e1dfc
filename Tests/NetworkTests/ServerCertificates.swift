import Glibc

@testable import Network

/// Certificates of servers, some good and some not, and the authority that most are from. Made once for all tests.
enum ServerCertificates {
    static let directory: String = {
        let path = Shell.run("mktemp -d /tmp/server-certificates.XXXXXX").filter { $0 != "\n" }
        _ = Shell.run(
            """
            cd \(path)
            key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            for ca in ca other; do openssl req -x509 $key -keyout $ca.key -out $ca.crt -days 2 -subj /CN=$ca; done
            make() { # name, authority, days, extensions
              openssl req $key -keyout $1.key -out $1.csr -subj "/CN=cn.example"
              printf '%s\\n' "$4" >$1.ext
              openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days $3 -extfile $1.ext -out $1.crt
            }
            names='subjectAltName=DNS:d.example,DNS:*.d.example,otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.d.example,\
            otherName:1.3.6.1.5.5.7.8.5;UTF8:d.example,email:a@d.example,otherName:1.2.3.4;UTF8:other.example'
            make plain ca 2 "$names"
            make server ca 2 "$names
            extendedKeyUsage=serverAuth"
            make client ca 2 "$names
            extendedKeyUsage=clientAuth"
            make expired ca -1 "$names"
            make foreign other 2 "$names"
            openssl req -x509 $key -keyout self.key -out self.crt -days 2 -subj /CN=self -addext subjectAltName=DNS:d.example
            make many ca 2 "subjectAltName=DNS:n1.example$(seq -f ',DNS:n%.0f.example' 2 300 | tr -d '\\n')"
            make huge ca 2 "subjectAltName=DNS:n1.example$(seq -f ',DNS:n%.0f.example' 2 6000 | tr -d '\\n')"
            make nul ca 2 "subjectAltName=DER:301a820f642e6578616d706c65002e6576696c820764322e74657374"
            """ + " 2>&1")
        atexit { _ = Shell.run("rm -rf \(ServerCertificates.directory)") }
        return path
    }()

    static func bytes(_ name: String) -> [UInt8] { Array(Shell.run("cat \(directory)/\(name)").utf8) }

    /// A context of somebody who trusts `ca` and shows the certificate of that name.
    static func context(
        _ role: TLSRole, _ name: String?, authority: String? = "ca.crt", _ change: (inout TLSOptions) -> Void = { _ in }
    ) throws -> TLSContext {
        var options = TLSOptions(
            certificateChain: name.map { bytes("\($0).crt") } ?? [], privateKey: name.map { bytes("\($0).key") },
            verification: .peer, certificateAuthorities: authority.map(bytes))
        change(&options)
        return try TLSContext(options: options, role: role)
    }
}
