import XML

/// Gives two users a subscription to each other; both have available sessions.
public func befriend(_ one: TestClient, _ other: TestClient) throws {
    for (asker, asked) in [(one, other), (other, one)] {
        try asker.send("<presence type='subscribe' to='\(asked.bare)'/>")
        try asked.wait("a request") { $0["type"] == "subscribe" && $0["from"] == asker.bare }
        try asked.send("<presence type='subscribed' to='\(asker.bare)'/>")
        try asker.wait("an approval") { $0["type"] == "subscribed" && $0["from"] == asked.bare }
    }
    try clear(one, other)
}
