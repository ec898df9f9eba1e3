using LoraOps.Adapters;
using LoraOps.Bundles;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.Samples;
using LoraOps.Recipes.Caching;
using LoraOps.Runtime.Sessions;
using LoraOps.Transforms;

namespace LoraOps.Recipes;

/// <summary>Makes one plan: reads every input, and collects what is wrong.</summary>
internal sealed class Planning(Recipe recipe, PlanOptions options)
{
    private readonly List<Problem> _problems = [];
    private readonly OutputFolder _output = new(recipe.Output.Value);

    /// <summary>The plan.</summary>
    /// <exception cref="LoraOpsException">All that is wrong.</exception>
    public Plan Make()
    {
        var selected = Select();
        CheckOutput(selected);
        var model = Under(recipe.Model.Line, () => OnnxModel.Load(recipe.Model.Value));
        using var weights = recipe.Weights is { } file ? Under(file.Line, () => Checkpoint.Open(file.Value)) : null;
        using var session = model is null ? null : Under(recipe.Model.Line, () => OnnxSession.Open(model));
        var adapters = new List<(RecipeAdapter Recipe, IReadOnlyList<WeightedAdapter> Sources, List<ChipProfile> Chips)>();
        foreach (var (adapter, chips) in selected)
        {
            CheckData(adapter, session);
            if (Under(adapter.Path?.Line ?? adapter.Line, () => Read(adapter)) is { } sources)
                adapters.Add((adapter, sources, chips));
        }

        // Without these nothing can be mapped or addressed; whatever else is wrong has been found by now.
        if (model is null || (weights is null && recipe.Weights is not null))
            throw new LoraOpsException(_problems);

        var inputs = Inputs(model);
        var planned = adapters.Select(one => Planned(one.Recipe, one.Sources, one.Chips, inputs)).ToList();
        foreach (var adapter in planned.Where(adapter => !adapter.IsConverted))
            CheckMapping(adapter, model, weights);

        return _problems.Count == 0 ? new Plan(recipe, options.Only is null, inputs, planned) : throw new LoraOpsException(_problems);
    }

    private List<(RecipeAdapter Adapter, List<ChipProfile> Chips)> Select()
    {
        var pattern = options.Only ?? "*";
        var selected = recipe.Adapters
            .Select(adapter => (adapter, Chips: recipe.Chips.Select(chip => chip.Value)
                .Where(chip => JobPattern.Selects(pattern, adapter.Name, chip.Name)).ToList()))
            .Where(pair => pair.Chips.Count > 0).ToList();
        return selected.Count > 0 ? selected : throw new LoraOpsException(RecipeProblems.SelectsNothing(
            recipe.Path, pattern, recipe.Adapters.SelectMany(adapter => recipe.Chips.Select(chip => $"{adapter.Name}/{chip.Value.Name}"))));
    }

    private void CheckOutput(List<(RecipeAdapter Adapter, List<ChipProfile> Chips)> selected)
    {
        var blocked = Path.GetFullPath(_output.Path);
        while (!Path.Exists(blocked) && Path.GetDirectoryName(blocked) is { } parent)
            blocked = parent;

        if (!Directory.Exists(blocked))
            Add(recipe.Output.Line, OutputProblems.OutputUnwritable(_output.Path, $"{Path.GetFileName(blocked)} is not a folder"));

        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (adapter, chip) in selected.SelectMany(pair => pair.Chips.Select(chip => (pair.Adapter, chip))))
        {
            var name = NameOf(adapter, chip);
            if (!names.Add(name))
                Add(adapter.Line, RecipeProblems.KeyTwice("", $"the bundle {name}", recipe.Adapters[0].Line));

            foreach (var obstacle in options.Overwrite ? [] : _output.Obstacles(name))
                Add(recipe.Output.Line, obstacle);
        }
    }

    private void CheckData(RecipeAdapter adapter, OnnxSession? session)
    {
        Feeds(adapter.Calibration, session);
        if (Feeds(adapter.Evaluation, session) is { } evaluation && evaluation.Find("labels") is null)
            Add(adapter.Evaluation.Line, ParityProblems.LabelsMissing(adapter.Evaluation.Name));

        if (adapter.Expected is not { } expected || Feeds(new RecipeData([expected.Value], expected.Line), session) is not { } record || session is null)
            return;

        foreach (var output in session.Outputs.Where(output => record.Find(output.Name) is null))
            Add(expected.Line, ParityProblems.ExpectationMissing(expected.Value, output.Name, NearMisses.Phrase(output.Name, record.Tensors.Keys)));
    }

    private SampleSet? Feeds(RecipeData data, OnnxSession? session)
    {
        var samples = Under(data.Line, data.Open);
        foreach (var problem in samples is null || session is null ? [] : session.Check(samples))
            Add(data.Line, problem);

        return samples;
    }

    private IReadOnlyList<WeightedAdapter> Read(RecipeAdapter adapter)
    {
        if (adapter.Mix is not { } mix)
            return [new WeightedAdapter(PeftReader.Read(adapter.Path!.Value.Value, adapter.Name))];

        // A plan writes nothing: the folder is where the mix would be, so that all else about it is checked.
        var sources = AdapterSources.Read(mix.Of);
        using var plan = MixPlan.Make(mix.Request(sources, recipe.Weights?.Value, Path.Combine(_output.Path, $".{adapter.Name}.mixed")));
        return sources;
    }

    // What a mix adapts is what its adapters do.
    private void CheckMapping(PlannedAdapter adapter, OnnxModel model, Checkpoint? weights)
    {
        foreach (var source in adapter.Sources)
            Under(adapter.Recipe.Path?.Line ?? adapter.Recipe.Line, () =>
            {
                MergedForm.Check(model, [source with { Weight = 1 }], new MappingOptions { Base = weights });
                return source;
            });
    }

    private OriginInputs Inputs(OnnxModel model)
    {
        // The graph's data file is a part of it: one digest stands for both.
        var data = model.AllTensors().Where(ExternalData.IsExternal).Select(tensor => ExternalData.Locate(tensor, model.Path).File)
            .Distinct().Order(StringComparer.Ordinal).Select(Digest.OfFile).ToList();
        var graph = Digest.OfFile(recipe.Model.Value);
        return new OriginInputs(
            new ManifestInput(Path.GetFileName(recipe.Model.Value), data.Count == 0 ? graph : Digest.OfText(string.Join('\n', data.Prepend(graph)))),
            recipe.Weights is { } weights ? Input(weights) : null);
    }

    private PlannedAdapter Planned(RecipeAdapter adapter, IReadOnlyList<WeightedAdapter> sources, List<ChipProfile> chips, OriginInputs inputs)
    {
        var (calibration, evaluation) = (adapter.Calibration.Input(), adapter.Evaluation.Input());
        var expected = adapter.Expected is { } record ? Input(record).Sha256 : "";
        var key = CacheKey.Of(
            "convert", adapter.Name, inputs.Model.File, inputs.Model.Sha256, inputs.Weights?.File ?? "", inputs.Weights?.Sha256 ?? "",
            Identity(adapter, sources), expected, evaluation.Sha256, CacheKey.Of(recipe.ConvertGates));
        return new PlannedAdapter
        {
            Recipe = adapter,
            Sources = sources,
            Key = key,
            IsConverted = _output.Find(key) is not null,
            Jobs = [.. chips.Select(chip => Planned(adapter, chip, key, calibration))],
        };
    }

    private PlannedJob Planned(RecipeAdapter adapter, ChipProfile chip, string converted, ManifestInput calibration)
    {
        var name = NameOf(adapter, chip);
        var key = CacheKey.Of(
            "quantize", name, converted, calibration.Sha256, calibration.File, chip.Name, chip.Digest, CacheKey.Of(recipe.GatesFor(chip)),
            CacheKey.Of(recipe.Calibrating), CacheKey.Of(recipe.Until), recipe.Recovery.Spelling);
        return new PlannedJob
        {
            Name = name,
            Chip = chip,
            Key = key,
            Calibration = calibration,
            Destination = _output.BundleOf(name),
            IsQuantized = _output.Find(key) is not null,
            IsPublished = _output.IsPublished(name, key),
        };
    }

    private static string Identity(RecipeAdapter adapter, IReadOnlyList<WeightedAdapter> sources) => adapter.Mix is { } mix
        ? CacheKey.Of("mix", sources.Select(source => $"{source.Adapter.Digest} {source.Weight:R}").Prepend(mix.Spelling))
        : sources[0].Adapter.Digest;

    private static string NameOf(RecipeAdapter adapter, ChipProfile chip) => $"{adapter.Name}-{chip.Name}";

    private static ManifestInput Input(Written<string> path) =>
        new(Path.GetFileName(Path.TrimEndingDirectorySeparator(path.Value)), Digest.OfPath(path.Value));

    // A problem of an input keeps its code and its file, and says where the recipe names it.
    private void Add(int line, Problem problem) =>
        _problems.Add(problem with { Where = problem.Where.Length == 0 ? recipe.At(line) : $"{recipe.At(line)}: {problem.Where}" });

    private T? Under<T>(int line, Func<T> work)
        where T : class
    {
        try
        {
            return work();
        }
        catch (LoraOpsException wrong)
        {
            foreach (var problem in wrong.Problems)
                Add(line, problem);

            return null;
        }
    }
}
