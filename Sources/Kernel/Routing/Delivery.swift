internal import Network
internal import SharedState
internal import XML
internal import XMPP

/// Delivers stanzas to the accounts of a host (RFC 6121 §8.5).
@LoopActor
final class Delivery {
    private unowned let host: Host

    init(host: Host) { self.host = host }

    func deliver(_ incoming: inout Incoming, from session: Session?) -> Rest? {
        let to = incoming.to
        if to.isFull, let record = host.server.session(to), isWithinReach(record, incoming) {
            return finish(&incoming, to: [record])
        }
        switch incoming.stanza.kind {
        case .message: return message(&incoming)
        case .iq:
            if to.isFull {
                host.router.bounce(incoming.stanza, StanzaError(.serviceUnavailable))
                return nil
            }
            return iq(incoming, session)
        case .presence:
            // What is not for a resource was for the presence module; available and unavailable reach all that are available.
            guard to.isBare, incoming.stanza.type == nil || incoming.stanza.isType("unavailable") else { return nil }
            let available = host.server.sessions(of: to).filter { $0.flags.contains(.available) }
            return available.isEmpty ? nil : finish(&incoming, to: available)
        }
    }

    private func message(_ incoming: inout Incoming) -> Rest? {
        let records = sessions(for: incoming)
        let type = MessageRules.MessageType(incoming.stanza.type)
        // Nearly always there is one resource, and it is willing: then the rules have nothing to choose from.
        if records.count == 1, records[0].flags.contains(.available), records[0].priority >= 0, incoming.to.isBare,
            type == .chat || type == .normal {
            incoming.sessions = records
            return finish(&incoming, to: records)
        }
        let resources = records.map {
            MessageRules.Resource(priority: $0.priority, isAvailable: $0.flags.contains(.available))
        }
        let way =
            incoming.to.isFull
            ? MessageRules.toMissingResource(type, resources) : MessageRules.toAccount(type, resources)
        switch way {
        case .deliver(let chosen):
            incoming.sessions = records
            return finish(&incoming, to: chosen.count == records.count ? records : chosen.map { records[$0] })
        case .offline: return keep(incoming, hasSession: !records.isEmpty)
        case .refuse:
            host.router.bounce(incoming.stanza, StanzaError(.serviceUnavailable))
            return nil
        case .ignore: return nil
        }
    }

    /// Nobody is there to read it: an account's messages may be kept, for anybody else it is an error (RFC 6121 §8.5.1).
    private func keep(_ incoming: Incoming, hasSession: Bool) -> Rest? {
        { [self, host] in
            var incoming = incoming
            let exists = hasSession ? true : await host.accounts.exists(incoming.user.local)
            guard exists else { return host.router.bounce(incoming.stanza, StanzaError(.serviceUnavailable)) }
            // A resource may have appeared while storage was asked.
            let records = sessions(for: incoming).filter { $0.flags.contains(.available) && $0.priority >= 0 }
            if !records.isEmpty {
                await finish(&incoming, to: records)?()
                return
            }
            let all = HookPhase.validation...HookPhase.archive
            var outcome = host.hooks.offlineMessage.run(&incoming, all)
            if case .waiting(let index, let operation) = outcome {
                outcome = await host.hooks.offlineMessage.finish(&incoming, all, from: index, operation)
            }
            switch outcome {
            case .stopped, .waiting: break
            case .failed where incoming.isKept, .passed where incoming.isKept: break
            case .failed(let error): host.router.bounce(incoming.stanza, error)
            case .passed: host.router.bounce(incoming.stanza, StanzaError(.serviceUnavailable))
            }
            await host.router.delivered(&incoming)?()
        }
    }

    private func sessions(for incoming: Incoming) -> [SessionRoute] {
        let all = host.server.sessions(of: incoming.user)
        return incoming.failures < Self.mostFailures ? all : all.filter { isWithinReach($0, incoming) }
    }

    /// After so many failures with other workers a stanza is for sessions of this one, or for nobody: a worker that hangs
    /// and has a full pipe must not keep the others busy.
    private static let mostFailures = 2

    private func isWithinReach(_ route: SessionRoute, _ incoming: Incoming) -> Bool {
        incoming.failures < Self.mostFailures || route.slot == host.server.slot
    }

    /// The server answers for an account; for one that does not exist it answers as for one that refuses (RFC 6121 §8.5.1).
    private func iq(_ incoming: Incoming, _ session: Session?) -> Rest? {
        guard incoming.stanza.isRequest, incoming.stanza.from?.bare != incoming.user,
            let payload = incoming.stanza.element.firstChild, host.iq.needsAccount(payload)
        else {
            return host.answerer.answer(incoming.stanza, at: .account, from: session)
        }
        return { [host] in
            guard await host.accounts.exists(incoming.user.local) else {
                return host.router.bounce(incoming.stanza, StanzaError(.serviceUnavailable))
            }
            await host.answerer.answer(incoming.stanza, at: .account, from: session)?()
        }
    }

    private func finish(_ incoming: inout Incoming, to records: [SessionRoute]) -> Rest? {
        let ackHold = ackHold(of: incoming)
        guard ackHold != nil, let full = records.first(where: { !host.server.ackHolds.hasRoom(for: $0.slot) }) else {
            return finish(&incoming, to: records, ackHold)
        }
        // The sender's next stanzas wait for it, and with them the sender.
        return { [self, host, incoming] in
            var incoming = incoming
            await host.server.ackHolds.room(for: full.slot)
            await finish(&incoming, to: records, ackHold)?()
        }
    }

    private func finish(_ incoming: inout Incoming, to records: [SessionRoute], _ ackHold: AckHold?) -> Rest? {
        let stanza = RenderedStanza(incoming.stanza.kind, incoming.stanza.rendered(), ackHold, failures: incoming.failures)
        host.router.deliver(stanza, to: records, for: incoming.sender)
        incoming.recipients = records
        return host.router.delivered(&incoming)
    }

    /// What would be kept for a user who is not there is not lost with the worker of one who is, either: a sender that
    /// counts (XEP-0198) is told when somebody has it. What the archive keeps needs no such care.
    private func ackHold(of incoming: Incoming) -> AckHold? {
        if let ackHold = incoming.ackHold { return ackHold }
        guard incoming.stanza.kind == .message, !incoming.isKept, let sender = incoming.sender, sender.streamManagement != nil,
            let keeper = host.offlineStore, keeper.keeps(incoming.stanza.element)
        else { return nil }
        return AckHold(of: sender.promise(), host.server.ackHolds)
    }
}
