internal import Configuration
internal import Glibc
internal import SASL
internal import XMPP

/// The rules on addresses that may register and on passwords, without a server around them.
struct RegistrationRules {
    /// Networks with their policy: the first that has an address decides; an address in none of them may register.
    let networks: [(network: IPNetwork, isAllowed: Bool)]
    /// Fewest bits of a password; a weaker one is refused; 0: any is accepted.
    let passwordStrength: Int

    init(networks: [(network: IPNetwork, isAllowed: Bool)] = [], passwordStrength: Int = 0) {
        self.networks = networks
        self.passwordStrength = passwordStrength
    }

    init(_ options: RegistrationOptions) {
        self.init(
            networks: options.networks.compactMap { entry in
                IPNetwork(entry.address).map { ($0, entry.policy == .allow) }
            },
            passwordStrength: options.passwordStrength)
    }

    /// An IPv4 address may come in the form that IPv6 sockets give it.
    func allows(address: String) -> Bool {
        let mapped = "::ffff:"
        let isMapped = address.hasPrefix(mapped) && address.contains(".")
        let address = isMapped ? String(address.dropFirst(mapped.count)) : address
        return networks.first { $0.network.contains(address) }?.isAllowed ?? true
    }

    /// The prepared password; nil if it is not allowed or not strong enough.
    func accepted(_ password: String) throws(StanzaError) -> Password {
        guard let prepared = Password(new: password) else {
            let isLong = password.utf8.count > Password.longest
            throw StanzaError(
                .notAcceptable,
                text: isLong ? "The password is too long" : "The password has characters that it may not have")
        }
        guard passwordStrength <= 0 || Self.entropy(password) >= Double(passwordStrength) else {
            throw StanzaError(.notAcceptable, text: "The password is too weak")
        }
        return prepared
    }

    /// Bits of a password as MongooseIM counts them: for each byte the logarithm of the size of all classes that occur.
    static func entropy(_ password: String) -> Double {
        var (lower, upper, digits, printable, other) = (0, 0, 0, 0, 0)
        for byte in password.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): lower = 26
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): upper = 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits = 9
            case 0x21...0x7e: printable = 33
            default: other = 128
            }
        }
        let size = lower + upper + digits + printable + other
        return size == 0 ? 0 : Double(password.utf8.count) * log2(Double(size))
    }
}
