internal import SASL
internal import XML
internal import XMPP

/// Dialback on outgoing streams (XEP-0220 §2.1): pairs are asked for, keys are checked, answers are told apart.
extension OutgoingState {
    /// Whether another pair may be asked for here (XEP-0220 §2.6). The remote domain is the stream's, or the certificate proves it:
    /// otherwise a peer could have another's stanzas. A peer that has no errors could only refuse a pair by ending the stream.
    func takes(_ other: DomainPair) -> Bool {
        guard phase == .ready, purpose == .stanzas, !established.isEmpty, terms.takesErrors, !terms.id.isEmpty else { return false }
        guard options.dialbackSecret != nil, established.count + requested.count < Self.mostPairs else { return false }
        return other.remote == pair.remote || certificate?.proves(other.remote) ?? false
    }

    mutating func add(_ other: DomainPair) -> [Action] {
        if established.contains(other) || requested.contains(other) || isPairOpen && other == pair { return [] }
        guard takes(other), let secret = options.dialbackSecret else {
            return [.refused(other, ServerFailure("the stream takes no such pair", .resourceConstraint))]
        }
        return request(other, secret) + clock
    }

    /// Sends the key of a pair, for the id of the peer's current header.
    mutating func request(_ pair: DomainPair, _ secret: DialbackSecret) -> [Action] {
        guard let key = secret.key(receiving: pair.remote, originating: pair.local, streamID: terms.id) else {
            return refuse(pair, ServerFailure("no dialback key can be made", .internalServerError))
        }
        requested.insert(pair)
        return [.send(DialbackXML.result(pair, key: key))]
    }

    /// Has a key checked. The peer is the authority for the stream's remote domain and for no other.
    mutating func verify(_ request: DialbackRequest) -> [Action] {
        let name = Verification(pair: request.pair, streamID: request.streamID)
        if verifications[name] == request { return [] }
        guard request.pair.remote == pair.remote, verifications[name] == nil, verifications.count < Self.mostVerifications else {
            return [.verified(request, .error(.resourceConstraint, reason: "the stream takes no such request"))]
        }
        guard phase != .ready || hasDialback else {
            return [.verified(request, Self.noDialback)]
        }
        verifications[name] = request
        return phase == .ready ? [.send(DialbackXML.verify(request))] + clock : []
    }

    /// An element of dialback: answers to what was asked on this stream, by whom and for whom. All others are forgeries or mistakes
    /// (XEP-0220 §3.1).
    mutating func dialback(_ element: Element) -> [Action] {
        guard let pair = DialbackXML.pair(of: element) else { return [] }
        guard let answer = DialbackXML.answer(in: element) else { return declined(element, pair) }
        if element.isNamed("result"), requested.remove(pair) != nil { return answered(pair, answer) }
        guard element.isNamed("verify"), let id = element["id"] else { return [] }
        guard let request = verifications.removeValue(forKey: Verification(pair: pair, streamID: id)) else { return [] }
        return [.verified(request, Self.relayed(answer))] + rest()
    }

    static let noDialback = DialbackAnswer.error(.remoteServerTimeout, reason: "there is no dialback on the stream")

    /// Keys that are being checked or wait for that, always in the same order.
    var waitingVerifications: [DialbackRequest] {
        verifications.values.sorted { ($0.streamID, $0.pair.local) < ($1.streamID, $1.pair.local) }
    }

    /// What the peer at the other end of the incoming stream is told of the authority's answer (XEP-0220 §2.5).
    private static func relayed(_ answer: DialbackAnswer) -> DialbackAnswer {
        switch answer {
        case .valid, .invalid: answer
        case .error(_, let reason): .error(.remoteServerNotFound, reason: "the authority answers: \(reason)")
        }
    }

    /// A peer that may send asks for more pairs, or for a check (XEP-0288 §2.2): it is told to open a stream of its own.
    private func declined(_ element: Element, _ pair: DomainPair) -> [Action] {
        guard isBidirectional, hasDialback, element["type"] == nil else { return [] }
        let name = element.isNamed("verify") ? "verify" : "result"
        let id = name == "verify" ? element["id"] : nil
        guard (id?.utf8.count ?? 0) <= DialbackXML.longestID else { return [] }
        let answer = DialbackAnswer.error(.resourceConstraint, reason: "")
        return [.send(DialbackXML.answer(name, pair, id: id, answer))]
    }

    private mutating func answered(_ pair: DomainPair, _ answer: DialbackAnswer) -> [Action] {
        switch answer {
        case .valid: return establish(pair, .dialback) + clock
        case .invalid:
            return refuse(pair, ServerFailure("\(pair.remote) takes our dialback key for a forgery", .internalServerError))
        case .error(_, let reason):
            return refuse(pair, ServerFailure("\(pair.remote) could not check our dialback key: \(reason)"))
        }
    }

    /// One pair fails; the stream goes on if there is something for it to do.
    private mutating func refuse(_ other: DomainPair, _ failure: ServerFailure) -> [Action] {
        if other == pair { isPairOpen = false }
        return [.refused(other, failure)] + rest()
    }

    /// What follows an answer: the end of a stream that was opened for stanzas, if it has come to nothing.
    private mutating func rest() -> [Action] {
        let isUseless = purpose == .stanzas && !isPairOpen && established.isEmpty && requested.isEmpty && verifications.isEmpty
        return isUseless ? end([.close(nil)]) : clock
    }

    /// Stanzas of the pair may be sent, and if both directions were agreed on the peer's are taken.
    mutating func establish(_ pair: DomainPair, _ proof: PeerProof) -> [Action] {
        var actions: [Action] = []
        if established.isEmpty, terms.hasManagement, options.usesManagement {
            isManagementRequested = true
            actions += [.send(Element("enable", StreamManagementXML.namespace)), .managementRequested]
        }
        isPairOpen = isPairOpen && pair != self.pair
        established.insert(pair)
        actions.append(.established(pair, proof))
        return isBidirectional ? actions + [.authorized(pair)] : actions
    }
}
