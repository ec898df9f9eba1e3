using BenchmarkDotNet.Running;
using LoraOps.Benchmarks;

// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --quick      a table in seconds
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --filter '*' BenchmarkDotNet's own
if (args is ["--quick"])
{
    QuickTable.Print(Console.Out);
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(QuickTable).Assembly).Run(args);
