using LoraOps.Fuzz;

// dotnet run --project tests/LoraOps.Fuzz -c Release -- --seed 1 --minutes 10     mutates files and reads them
// dotnet run --project tests/LoraOps.Fuzz -c Release -- --replay FOLDER           reads what an earlier run found once more
if (FuzzOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(FuzzOptions.Usage);
    return 2;
}

return FuzzRun.Execute(options, Console.Out) ? 0 : 1;
