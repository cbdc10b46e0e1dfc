/// Is told what happens to a client, on its loop's thread.
public protocol SteadyClientObserver: AnyObject {
    func client(_ client: SteadyClient, _ event: SteadyClient.Event)
}
