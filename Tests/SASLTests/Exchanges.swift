import SASL

/// The exchanges of these tests: names are lower-cased, passwords with a space are nobody's.
func exchange(
    _ mechanism: Mechanism, bindings: ChannelBindings = .none, offersPlus: Bool = false,
    certificate: ClientCertificate? = nil, rules: [CertificateRule] = [.standard]
) -> SASLExchange {
    let naming = SASLNaming(
        user: { $0.contains("@") ? nil : $0.lowercased() },
        password: { $0.contains(" ") ? nil : Password(prepared: $0) },
        owner: { $0.hasSuffix("@example.net") ? String($0.dropLast(12)) : nil })
    return SASLExchange(
        mechanism: mechanism,
        service: SASLService(naming: naming, secret: [1, 2, 3], iterations: 4096, certificateRules: rules),
        bindings: bindings, offersPlus: offersPlus, certificate: certificate)
}

let scram1 = Mechanism.scram(.sha1, plus: false)
let scram256 = Mechanism.scram(.sha256, plus: false)
let scram256Plus = Mechanism.scram(.sha256, plus: true)

/// Random bytes for the server's nonce, not very random.
let nonce = [UInt8](repeating: 9, count: 18)

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ action: SASLExchange.Action?) -> String {
    guard case .challenge(let bytes) = action else { return "no challenge but \(String(describing: action))" }
    return String(decoding: bytes, as: UTF8.self)
}

func condition(_ action: SASLExchange.Action?) -> SASLFailure.Condition? {
    guard case .failure(let failure) = action else { return nil }
    return failure.condition
}

func credentials(_ password: String, _ hash: ScramHash = .sha256) -> ScramCredentials {
    let derived = ScramCredentials.derive(
        password: Password(prepared: password), salt: bytes("a salt of romeo"), iterations: 10, hash: hash)
    guard let derived else { preconditionFailure("no credentials") }
    return derived
}
