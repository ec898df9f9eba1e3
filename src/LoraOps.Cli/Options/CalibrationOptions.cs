using System.CommandLine;
using System.Globalization;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;
using LoraOps.Writers;

namespace LoraOps.Cli.Options;

/// <summary>Where the ranges of activations come from, and where they go.</summary>
internal sealed class CalibrationOptions
{
    private readonly Option<string[]> _data = new("--calibration")
    {
        Description = "Samples of what the model will see: .safetensors with a leading sample axis, or a folder of .npy; where samples differ in size, "
            + "a folder of .safetensors, or of a folder of .npy for each input. With NAME= what it sees while that adapter is active.",
        HelpName = "[NAME=]DATA",
    };

    private readonly Option<string[]> _adapters = new("--adapter")
    {
        Description = "An adapter of a model that takes them as inputs, to be active on the samples of --calibration NAME=.",
        HelpName = "[NAME=]FILE.onnx_adapter",
    };

    private readonly Option<string> _calibrator = new Option<string>("--calibrator")
    {
        Description = string.Join("; ", Calibrators.All.Select(calibrator => $"{calibrator.Name}: {calibrator.Description}")) + ".",
        DefaultValueFactory = _ => Calibrators.MinMax.Name,
    }.Among([.. Calibrators.All.Select(calibrator => calibrator.Name)]);

    private readonly Option<double?> _percentile = Number(
        "--percentile",
        string.Create(CultureInfo.InvariantCulture, $"percentile: how much of the values is kept, above 50 to 100 ({CalibrationSettings.DefaultPercentile})."),
        "a number above 50 to 100", value => value is > 50 and <= 100);

    private readonly Option<double?> _bins = Number(
        "--bins", $"At least so many bins of a histogram up to the largest magnitude ({CalibrationSettings.FewestBins}).",
        $"a whole number from {CalibrationSettings.FewestBins} to {CalibrationSettings.MostBins}",
        value => value is >= CalibrationSettings.FewestBins and <= CalibrationSettings.MostBins && value == Math.Floor(value));

    private readonly Option<double?> _average = Number(
        "--moving-average", "minmax: average the extremes of the samples, each new one with this weight (0.01 is usual), above 0 to 1.",
        "a number above 0 to 1", value => value is > 0 and <= 1);

    private readonly Option<double?> _threads = Number(
        "--threads", "Runs of the model at once; one per core if left out. The ranges do not depend on it.", "a whole number from 1 to 1024",
        value => value is >= 1 and <= 1024 && value == Math.Floor(value));

    private readonly Option<string?> _ranges = new("--ranges") { Description = "Take all ranges from this file; no sample is looked at.", HelpName = "FILE" };

    private readonly Option<string?> _base = new("--base-ranges")
    {
        Description = "The ranges of the base that the adapter was merged into: on the same data only what the adapter changed is measured.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _save = new("--save-ranges") { Description = "Write the ranges to this file.", HelpName = "FILE" };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _data, _adapters, _calibrator, _percentile, _bins, _average, _ranges, _base, _save, _threads })
            command.Add(option);

        command.Validators.Add(result =>
        {
            void Refuse(Option option, bool goes, string with)
            {
                if (result.GetResult(option) is not null && !goes)
                    result.AddError($"{option.Name} goes with {with}");
            }

            var calibrator = result.GetResult(_calibrator)?.Tokens is [.., var token] ? token.Value : Calibrators.MinMax.Name;
            Refuse(_percentile, calibrator == Calibrators.Percentile.Name, "--calibrator percentile");
            Refuse(_average, calibrator == Calibrators.MinMax.Name, "--calibrator minmax");
            Refuse(_bins, calibrator != Calibrators.MinMax.Name, "--calibrator percentile, entropy or mse");
            Refuse(_save, result.GetResult(_data) is not null && result.GetResult(_ranges) is null, "--calibration, not with --ranges");
            Refuse(_base, result.GetResult(_data) is not null && result.GetResult(_ranges) is null, "--calibration, not with --ranges");
        });
    }

    /// <summary>The samples' place; null if none was given.</summary>
    /// <exception cref="LoraOpsException">Several were given without a name.</exception>
    public string? Data(ParseResult parsed)
    {
        var plain = Named(parsed, _data).Where(one => one.Name.Length == 0).ToList();
        return plain.Count > 1
            ? throw new LoraOpsException(CommandProblems.UsageWrong(CommandLine.FullName(parsed), "--calibration is given twice without NAME="))
            : plain.Count == 1 ? plain[0].Value : null;
    }

    /// <summary>The adapters whose samples have a name.</summary>
    /// <exception cref="LoraOpsException">An adapter has no samples, or a file is wrong.</exception>
    public IReadOnlyList<AdapterSamples> Adapters(ParseResult parsed)
    {
        var files = Named(parsed, _adapters).ToDictionary(
            one => one.Name.Length > 0 ? one.Name : Path.GetFileNameWithoutExtension(one.Value), one => one.Value, StringComparer.Ordinal);
        var data = Named(parsed, _data).Where(one => one.Name.Length > 0).ToList();
        var without = files.Keys.Except(data.Select(one => one.Name), StringComparer.Ordinal).ToList();
        if (without.Count > 0)
            throw new LoraOpsException(CommandProblems.UsageWrong(CommandLine.FullName(parsed), $"--calibration {without[0]}=DATA is missing"));

        return [.. data.Select(one => new AdapterSamples(
            one.Name, SampleSet.Open(one.Value), files.TryGetValue(one.Name, out var file) ? OnnxAdapterFile.Read(file) : null))];
    }

    /// <summary>True if ranges can be found: there are samples, or a file has them.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_data) is { Length: > 0 } || parsed.GetValue(_ranges) is not null;

    /// <summary>Where the ranges come from.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="chip">Whose codes the ranges will be spread over.</param>
    /// <param name="overwrite">An existing file of ranges may be replaced.</param>
    /// <exception cref="LoraOpsException">A file of ranges is damaged, or the new one exists.</exception>
    public CalibrationPlan Plan(ParseResult parsed, ChipProfile chip, bool overwrite)
    {
        if (parsed.GetValue(_save) is { } path && StagedOutput.Obstacle(path, overwrite) is { } problem)
            throw new LoraOpsException(problem);

        var settings = new CalibrationSettings
        {
            Calibrator = Calibrators.Find(parsed.GetRequiredValue(_calibrator)) ?? Calibrators.MinMax,
            MovingAverage = parsed.GetValue(_average),
            Threads = (int)(parsed.GetValue(_threads) ?? 0),
            Codes = CodeLevels.Of(chip.Activations),
            Percentile = parsed.GetValue(_percentile) ?? CalibrationSettings.DefaultPercentile,
            Bins = (int)(parsed.GetValue(_bins) ?? CalibrationSettings.FewestBins),
        };
        return new CalibrationPlan
        {
            Settings = settings,
            Ranges = parsed.GetValue(_ranges) is { } ranges ? RangeFile.Load(ranges) : null,
            BaseRanges = parsed.GetValue(_base) is { } origin ? RangeFile.Load(origin) : null,
        };
    }

    /// <summary>Writes the ranges where the user wants them.</summary>
    public void Save(ParseResult parsed, QuantizationOutcome outcome, CalibrationPlan plan, SampleSet? data, bool overwrite)
    {
        if (parsed.GetValue(_save) is not { } path || outcome.Calibrated is not { } ranges || data is null)
            return;

        using var file = StagedOutput.ForFile(path, overwrite);
        RangeFile.Of(outcome.Prepared, ranges, plan.Settings, data).Save(file.Path);
        file.Commit();
    }

    private static IEnumerable<NamedValue> Named(ParseResult parsed, Option<string[]> option) =>
        (parsed.GetValue(option) ?? []).Select(NamedText.Split);

    private static Option<double?> Number(string name, string description, string allowed, Func<double, bool> isAllowed) => new(name)
    {
        Description = description,
        HelpName = "X",
        CustomParser = result =>
        {
            if (result.Tokens is not [.., var token])
                return null;

            if (double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && isAllowed(value))
                return value;

            result.AddError($"{name} '{token.Value}' is not allowed: {allowed}");
            return null;
        },
    };
}
