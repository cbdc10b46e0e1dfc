public import Network

/// Holds back stanzas for one client.
@LoopActor
public protocol OutputFilter: AnyObject {
    /// Takes a stanza, and returns what goes on in its place, in order.
    func filter(_ stanza: RenderedStanza) -> [RenderedStanza]
    /// Gives up everything that it holds back, in order.
    func takeAll() -> [RenderedStanza]
}

/// The question that a filter answers. A stanza passes the filters in this order.
public enum OutputStage: Int, Sendable {
    /// Does something older go first?
    case order
    /// Can it wait until somebody looks (XEP-0352)?
    case urgency
}

extension Session {
    /// Has a filter decide from now on, behind those of its stage that are there already.
    public func add(_ filter: any OutputFilter, at stage: OutputStage) {
        let place = filters.firstIndex { $0.stage.rawValue > stage.rawValue } ?? filters.endIndex
        filters.insert((stage, filter), at: place)
    }

    /// Takes a filter away. What it holds back goes on to those behind it.
    public func remove(_ filter: any OutputFilter) {
        guard let place = filters.firstIndex(where: { $0.filter === filter }) else { return }
        filters.remove(at: place)
        for stanza in filter.takeAll() { writeThroughFilters(stanza, from: place) }
    }

    /// Has every filter give up what it holds back, so that it waits with what the client has not acknowledged.
    func flushFilters() {
        var place = 0
        while place < filters.count {
            for stanza in filters[place].filter.takeAll() { writeThroughFilters(stanza, from: place + 1) }
            place += 1
        }
    }

    /// Sends a stanza past the filters before `place`.
    func writeThroughFilters(_ stanza: RenderedStanza, from place: Int = 0) {
        guard place < filters.count else { return write(stanza) }
        for next in filters[place].filter.filter(stanza) { writeThroughFilters(next, from: place + 1) }
    }
}
