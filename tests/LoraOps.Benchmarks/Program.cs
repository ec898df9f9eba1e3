using BenchmarkDotNet.Running;
using LoraOps.Benchmarks;

// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --quick      a table in seconds
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --mix        the algebra of mixes, one thread
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --filter '*' BenchmarkDotNet's own
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --merge FOLDER LORAOPS [GIGABYTES [SHARDS [RANK [METHOD,METHOD [ROUNDS]]]]]
//     times LORAOPS merge beside cp in FOLDER, which must have room for three such checkpoints
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --mix-model FOLDER LORAOPS ['METHOD OPTIONS' …]
//     times LORAOPS mix of four adapters over a whole model in FOLDER
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --elements [SIZE]
//     the element-wise ways to mix, on a square module
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --extract FOLDER LORAOPS [GIGABYTES]
//     times LORAOPS extract in FOLDER, which must have room for two such checkpoints; they stay there for the next run
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --switch MODEL.onnx [FILE.onnx_adapter …]
//     what switching between adapters costs, of the form inputs with its files or of the form switchable
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --forms FOLDER [ROUNDS]
//     what every form costs beside the base on a ViT-Base-shaped model, made in FOLDER; its inputs.onnx and city files serve --switch
if (args is ["--forms", var made, .. var times])
{
    using var forms = new FormsTiming(Path.GetFullPath(made), Console.Out);
    forms.Run(times is [var given] ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : 30);
    return;
}

// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --int8 FOLDER [ROUNDS]
//     float, our INT8 and quantize_static's places side by side on a ViT-Base-shaped model; FOLDER keeps vit.onnx and calibration.safetensors
// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --samples FILE COUNT
//     so many images for that model, to measure what calibration takes
if (args is ["--int8", var eight, .. var often])
{
    using var timing = new Int8Timing(Path.GetFullPath(eight), Console.Out);
    timing.Run(often is [var given] ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : 15);
    return;
}

if (args is ["--samples", var file, var many])
{
    Int8Timing.Write(file, int.Parse(many, System.Globalization.CultureInfo.InvariantCulture));
    return;
}

// dotnet run --project tests/LoraOps.Benchmarks -c Release -- --patterns FOLDER
//     the form switchable: columns mixed against factors gathered, for numbers of adapters and batch shapes
if (args is ["--patterns", var layers])
{
    new PatternTiming(Path.GetFullPath(layers), Console.Out).Run();
    return;
}

if (args is ["--switch", var converted, .. var files])
{
    new SwitchTiming(converted, files, Console.Out).Run();
    return;
}

if (args is ["--quick"])
{
    QuickTable.Print(Console.Out);
    return;
}

if (args is ["--elements", .. var size])
{
    new ElementsTiming(Console.Out).Run(size is [var text] ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 4096);
    return;
}

if (args is ["--mix-model", var scratch, var mixer, .. var methods])
{
    string[] wanted = methods.Length > 0 ? methods : ["cat", "sum-svd --rank 16", "ties --density 0.5 --rank 16"];
    new ModelMixTiming(Path.GetFullPath(scratch), mixer, Console.Out).Run(wanted, 3);
    return;
}

if (args is ["--mix"])
{
    MixTable.Print(Console.Out);
    return;
}

if (args is ["--merge", var folder, var command, .. var rest])
{
    MergeArguments.Parse(rest).Run(new MergeTiming(Path.GetFullPath(folder), command, Console.Out));
    return;
}

if (args is ["--extract", var place, var program, .. var gigabytes])
{
    var count = gigabytes is [var number] ? double.Parse(number, System.Globalization.CultureInfo.InvariantCulture) : 2;
    new ExtractTiming(Path.GetFullPath(place), program, Console.Out).Run((long)(count * 1e9));
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(QuickTable).Assembly).Run(args);
