using System.Runtime.InteropServices;
using System.Text;
using LoraOps.Cli;
using LoraOps.Cli.Output;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);

// Without a byte order mark: what is piped on must be the text alone.
using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
using var error = new StreamWriter(Console.OpenStandardError(), new UTF8Encoding(false)) { AutoFlush = true };
return CommandLine.Run(args, output, error, Terminal.Detect(), stop.Token);

void Cancel(PosixSignalContext signal)
{
    // The first signal lets the work stop and clean up; the second ends the process at once.
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}
