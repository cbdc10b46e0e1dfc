internal import SASL
internal import XML
internal import XMPP

/// Headers, features and TLS of incoming streams (RFC 6120 §4.3, §4.7, §5).
extension IncomingState {
    mutating func opened(_ header: StreamHeader, _ id: String) -> [Action] {
        guard case .opening = phase else { return close(.policyViolation, "A header out of place") }
        phase = .open
        // A peer without a version may leave both addresses out and name them by dialback.
        let hasVersion = header["version"] != nil
        let to = header["to"] ?? (hasVersion ? nil : offer.defaultDomain)
        let remote = header["from"].flatMap(JID.preparedDomain)
        let local = to.flatMap(JID.preparedDomain)
        let terms = Terms(
            local: local ?? offer.defaultDomain, remote: remote, id: id, hasVersion: hasVersion,
            language: StreamLanguage(header, unless: offer.language))
        let standing = local.map { offer.standing(DomainPair(local: $0, remote: remote ?? "")) } ?? .unknownTarget
        let error = fault(in: header, terms) ?? fault(of: standing, to: to, from: remote)
        let answer = Action.open(
            ServerHeader(
                from: standing == .unknownTarget ? offer.defaultDomain : terms.local, to: remote, id: id, hasVersion: hasVersion,
                hasDialback: dialbackSecret != nil))
        self.terms = terms
        if let error { return [answer] + close(error) }
        if let doubt = doubt(about: terms) { return [answer] + distrust(terms, doubt) }
        return [answer] + (hasVersion ? [.send(features(terms))] : []) + begin(terms)
    }

    /// What is wrong with a header, whomever it is to.
    private func fault(in header: StreamHeader, _ terms: Terms) -> StreamError? {
        if let error = header.fault(content: Namespace.server) { return error }
        if terms.hasVersion ? !header.hasSupportedVersion : needsTLS { return StreamError(.unsupportedVersion) }
        if header["from"] != nil, terms.remote == nil { return StreamError(.improperAddressing) }
        guard let proved, terms.pair != proved else { return nil }
        return StreamError(.invalidFrom, text: "Authenticated as \(proved.remote) to \(proved.local)")
    }

    /// What is wrong with the pair that a header names. Whoever does not say who it is may prove later to be somebody.
    private func fault(of standing: PairStanding, to: String?, from remote: String?) -> StreamError? {
        switch standing {
        case .unknownTarget: StreamError(unservedAddress: to)
        case .ownDomain where remote != nil: StreamError(.invalidFrom, text: "The domain is served here")
        case .refused where remote != nil: StreamError(.policyViolation, text: "The domain is not welcome here")
        case .acceptable, .ownDomain, .refused: nil
        }
    }

    /// Why the peer's certificate, which has to, does not prove who it says it is.
    private func doubt(about terms: Terms) -> String? {
        guard offer.tls == .requiredTrusted, case .secured(let certificate) = layer else { return nil }
        guard let remote = terms.remote else { return "it does not say who it is" }
        return certificate == nil ? "it shows no certificate" : certificate?.doubt(about: remote)
    }

    private mutating func distrust(_ terms: Terms, _ doubt: String) -> [Action] {
        let refusal = terms.pair.map { [Action.refused($0, reason: doubt)] } ?? []
        return refusal + close(.policyViolation, "A trusted certificate is required: \(doubt)")
    }

    /// What goes on after our header: the pair that SASL has proved is authorized now (XEP-0288 §2.2).
    private mutating func begin(_ terms: Terms) -> [Action] {
        guard let proved else { return [.restartClock] }
        return authorize(proved, .external)
    }

    /// The features (RFC 6120 §4.3.2) as far as they are of use here.
    private func features(_ terms: Terms) -> Element {
        var features: [Element] = []
        if layer == .clear, offer.tls != .never {
            let children = offer.tls.isRequired ? [Element("required", Namespace.tls)] : []
            features.append(Element("starttls", Namespace.tls, [:], children))
        }
        guard !needsTLS else { return Element("features", Namespace.stream, [:], features) }
        if proved == nil, let remote = terms.remote, certificate?.proves(remote) ?? false {
            features.append(
                Element("mechanisms", Namespace.sasl, [:], [Element("mechanism", Namespace.sasl, text: Mechanism.external.name)]))
        } else if offer.hasManagement, proved != nil || dialbackSecret != nil {
            features.append(StreamManagementXML.feature)
        }
        if dialbackSecret != nil { features.append(DialbackXML.featureWithErrors) }
        if offer.hasBidi, proved == nil { features.append(BidiXML.offered) }
        if let limits = offer.limits.element { features.append(limits) }
        return Element("features", Namespace.stream, [:], features)
    }

    /// Nothing that was said in clear holds after TLS, so it is too late once something hangs on it.
    mutating func startTLS() -> [Action] {
        guard layer == .clear, offer.tls != .never, authorized.isEmpty, pending.isEmpty, let terms else {
            // RFC 6120 §5.4.2.2: a failure ends the stream.
            return [.send(Element("failure", Namespace.tls))] + close(nil)
        }
        phase = .securing
        return [.send(Element("proceed", Namespace.tls)), .startTLS(domain: terms.local), .restartClock]
    }

    mutating func secured(_ certificate: PeerIdentity?) -> [Action] {
        switch phase {
        case .securing:
            (layer, phase) = (.secured(certificate), .opening(isFirst: false))
            (isBidirectional, isChallenged, terms) = (false, false, nil)
            return [.restart, .restartClock]
        case .opening(isFirst: true) where layer == .clear:
            layer = .secured(certificate)
            return [.restartClock]
        case .opening, .open: return bug()
        }
    }
}
