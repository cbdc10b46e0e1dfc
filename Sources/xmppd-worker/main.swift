// xmppd-worker: one loop that serves clients. Everything it does is in the rooms `Worker` and `Modules`.
import Glibc
import Modules
import Worker

exit(WorkerProgram.run(Array(CommandLine.arguments.dropFirst()), catalog: Catalog.modules))
