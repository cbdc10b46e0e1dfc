/// `[s2s]`, at the top and for single hosts.
extension CrossChecks {
    mutating func checkFederation() {
        if let section = tree.table("s2s") { checkFederation(section, path: "s2s") }
        for (index, host) in tree.tables("host_config").enumerated() {
            guard let section = host.table("s2s") else { continue }
            checkFederation(section, path: "host_config[\(index + 1)].s2s")
        }
    }

    private mutating func checkFederation(_ section: SettingTable, path: String) {
        checkDomainCertificates(section.tables("domain_certfile"), path: "\(path).domain_certfile")
        checkKey(in: section, "certfile", path: "\(path).certfile")
        var policies: [String: String] = [:], addresses: [String: String] = [:]
        for (index, policy) in section.tables("host_policy").enumerated() {
            checkOnce(policy, "host", &policies, path: "\(path).host_policy[\(index + 1)]", "one policy for each domain")
        }
        for (index, address) in section.tables("address").enumerated() {
            checkOnce(address, "host", &addresses, path: "\(path).address[\(index + 1)]", "one address for each domain")
        }
        checkEncryption(section, path: path)
    }

    private mutating func checkEncryption(_ section: SettingTable, path: String) {
        guard let mode = section.string("use_starttls"), mode != "false", section["certfile"] == nil,
            !section.isBroken("certfile"), section.tables("domain_certfile").isEmpty,
            tree.tables("general.domain_certfile").isEmpty,
            !tree.tables("listen.s2s").contains(where: { $0["tls.certfile"] != nil })
        else { return }
        validator.warn(
            "there is no certificate: \(path).certfile is not set", at: section["use_starttls"]?.position ?? section.position,
            path: "\(path).use_starttls")
    }
}
