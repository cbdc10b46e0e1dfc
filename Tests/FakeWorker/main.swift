// A worker that serves nobody: it speaks the contract, tells the test what it hears, and misbehaves where the test
// wants it to. Which way is said by FAKE_WORKER, `what` or `what@slot` or `what@slot.incarnation`, several with commas.
import CPlatform
import Glibc
import IPC

if CommandLine.arguments.dropFirst().first == "--check" {
    exit(FakeCheck.run())
}
if CommandLine.arguments.dropFirst().first == "--versions" {
    print(ProgramVersions(segment: XMPPD_SEGMENT_VERSION))
    exit(0)
}
guard let arguments = WorkerArguments(CommandLine.arguments.dropFirst()) else { exit(64) }
// A peer of the mesh may die before it is greeted.
signal(SIGPIPE, SIG_IGN)
FakeWorkerProcess(arguments).run()
