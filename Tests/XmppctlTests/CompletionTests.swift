import Foundation
import Testing

@testable import xmppctl

@Suite(.timeLimit(.minutes(5)))
struct CompletionTests {
    private static let files = ["bash": "xmppctl.bash", "zsh": "_xmppctl", "fish": "xmppctl.fish"]

    @Test(arguments: ["bash", "zsh", "fish"])
    func theFileIsWhatTheCommandPrints(_ shell: String) throws {
        let file = try #require(Self.files[shell])
        let run = xmppctl(["completion", shell])
        #expect(run.status == 0)
        #expect(try run.output + "\n" == Repository.snapshot("packaging/completions/\(file)", of: run.output + "\n"))
    }

    private let directory = Repository.root.appending(path: "packaging/completions").path(percentEncoded: false)

    @Test(.enabled(if: access("/bin/bash", X_OK) == 0))
    func bashCompletes() throws {
        let script = """
            set -e
            source "$0/xmppctl.bash"
            complete -p xmppctl
            COMP_WORDS=(xmppctl acc); COMP_CWORD=1; COMP_LINE='xmppctl acc'; COMP_POINT=11; COMPREPLY=()
            _xmppctl xmppctl acc xmppctl || true
            echo "${COMPREPLY[@]}"
            COMP_WORDS=(xmppctl log-level de); COMP_CWORD=2; COMP_LINE='xmppctl log-level de'; COMP_POINT=20; COMPREPLY=()
            _xmppctl xmppctl de log-level || true
            echo "${COMPREPLY[@]}"
            """
        let (status, output) = try program("/bin/bash", ["--norc", "-c", script, directory])
        let lines = output.split(separator: "\n")
        #expect(status == 0)
        #expect(lines.dropFirst() == ["account", "debug"], "\(output)")
    }

    @Test(.enabled(if: access("/usr/bin/zsh", X_OK) == 0))
    func zshLoads() throws {
        let script =
            "fpath=($0 $fpath); autoload -U compinit; compinit -u -D; print $_comps[xmppctl]; autoload -X +X _xmppctl || autoload +X _xmppctl; whence -w _xmppctl"
        let (_, output) = try program("/usr/bin/zsh", ["-f", "-c", script, directory])
        #expect(output == "_xmppctl\n_xmppctl: function\n")
        #expect(try program("/usr/bin/zsh", ["-f", "-n", directory + "/_xmppctl"]) == (0, ""))
    }

    @Test(.enabled(if: access("/usr/bin/fish", X_OK) == 0))
    func fishCompletes() throws {
        let script =
            "source $argv[1]; complete -C 'xmppctl acc'; complete -C 'xmppctl account pas'; complete -C 'xmppctl status --js'"
        let (status, output) = try program("/usr/bin/fish", ["--no-config", "-c", script, directory + "/xmppctl.fish"])
        #expect(status == 0)
        let words = output.split(separator: "\n").map { $0.split(separator: "\t").first.map(String.init) ?? "" }
        #expect(words == ["account", "passwd", "--json"], "\(output)")
    }
}
