import CPlatform
import Glibc

/// The terminal at standard input.
enum Terminal {
    private static let deadly = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Prompts on standard error and reads a line without echo. The echo comes back also when a signal ends the program.
    /// - Returns: nil at the end of the input.
    static func readSecret(prompt: String) -> String? {
        _ = write(STDERR_FILENO, prompt, prompt.utf8.count)
        var former = termios()
        guard tcgetattr(STDIN_FILENO, &former) == 0 else { return nil }
        let signals = cplatform_signalfd(deadly, deadly.count)
        var silent = former
        silent.c_lflag &= ~tcflag_t(ECHO)
        silent.c_lflag |= tcflag_t(ECHONL)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        let signal = waitForInput(or: signals)
        let line = signal == 0 ? readLine(strippingNewline: true) : nil
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
        release(signals)
        if signal != 0 { raise(signal) }
        return line
    }

    /// - Returns: 0 when a line can be read, otherwise the signal that came before it.
    private static func waitForInput(or signals: Int32) -> Int32 {
        var entries = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0), pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&entries, nfds_t(entries.count), -1) < 0, errno == EINTR {}
        return entries[1].revents == 0 ? 0 : max(0, cplatform_next_signal(signals))
    }

    private static func release(_ signals: Int32) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in deadly { sigaddset(&set, signal) }
        sigprocmask(SIG_UNBLOCK, &set, nil)
        if signals >= 0 { close(signals) }
    }
}
