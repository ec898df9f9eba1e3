using LoraOps.Adapters;
using LoraOps.Bundles;
using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Recipes.Caching;

namespace LoraOps.Recipes;

/// <summary>How to plan a run.</summary>
public sealed record PlanOptions
{
    /// <summary>A pattern over <c>adapter/chip</c>, adapters or chips (<c>*</c>, <c>?</c>); null plans everything.</summary>
    public string? Only { get; init; }

    /// <summary>Replace what lies where a bundle goes, even if no run put it there.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>One thing that will be done.</summary>
/// <param name="Stage"><c>convert</c>, <c>quantize</c> or <c>publish</c>.</param>
/// <param name="Adapter">The adapter.</param>
/// <param name="Chip">The chip; null for what serves all chips.</param>
/// <param name="IsDone">True if an earlier run did it.</param>
/// <param name="What">For people.</param>
public sealed record PlanStep(string Stage, string Adapter, string? Chip, bool IsDone, string What);

/// <summary>What will be done, with everything checked that can be checked before: nothing fails late that could fail now.</summary>
public sealed class Plan
{
    internal Plan(Recipe recipe, bool isWhole, OriginInputs inputs, IReadOnlyList<PlannedAdapter> adapters)
    {
        Recipe = recipe;
        IsWhole = isWhole;
        Inputs = inputs;
        Adapters = adapters;
        Steps = [.. adapters.SelectMany(StepsOf)];
    }

    /// <summary>The recipe.</summary>
    public Recipe Recipe { get; }

    /// <summary>True if every job of the recipe is planned.</summary>
    public bool IsWhole { get; }

    /// <summary>The adapters that are needed, each with its jobs.</summary>
    public IReadOnlyList<PlannedAdapter> Adapters { get; }

    /// <summary>The steps, in the order of the recipe.</summary>
    public IReadOnlyList<PlanStep> Steps { get; }

    internal OriginInputs Inputs { get; }

    internal OutputFolder Output => new(Recipe.Output.Value);

    /// <summary>Checks everything and lists the steps; writes nothing.</summary>
    /// <exception cref="LoraOpsException">All that is wrong, each with its line of the recipe.</exception>
    public static Plan Make(Recipe recipe, PlanOptions? options = null) => new Planning(recipe, options ?? new PlanOptions()).Make();

    private static IEnumerable<PlanStep> StepsOf(PlannedAdapter adapter)
    {
        var name = adapter.Recipe.Name;
        yield return new PlanStep("convert", name, null, adapter.IsConverted, adapter.Recipe.Mix is { } mix
            ? $"mix {name} of {string.Join(", ", adapter.Sources.Select(source => source.Adapter.Name))} ({mix.Spelling}) and merge it into the base"
            : $"merge {name} into the base and compare it with the record");
        foreach (var job in adapter.Jobs)
        {
            var chip = job.Chip.Name;
            yield return new PlanStep("quantize", name, chip, job.IsQuantized, $"quantize {name} for {chip} and compare it with the merged model");
            yield return new PlanStep("publish", name, chip, job.IsPublished, $"write the bundle {job.Name}");
        }
    }
}

/// <summary>An adapter of a plan.</summary>
public sealed record PlannedAdapter
{
    /// <summary>What the recipe says.</summary>
    public required RecipeAdapter Recipe { get; init; }

    /// <summary>What lies in its folder, or the adapters that it is mixed of with their weights.</summary>
    public required IReadOnlyList<WeightedAdapter> Sources { get; init; }

    /// <summary>True if an earlier run converted it.</summary>
    public required bool IsConverted { get; init; }

    /// <summary>One for each chip.</summary>
    public required IReadOnlyList<PlannedJob> Jobs { get; init; }

    /// <summary>The content address of the converted model.</summary>
    public required string Key { get; init; }
}

/// <summary>One adapter for one chip.</summary>
public sealed record PlannedJob
{
    /// <summary>The bundle's name: <c>adapter-chip</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The chip.</summary>
    public required ChipProfile Chip { get; init; }

    /// <summary>True if an earlier run quantized it.</summary>
    public required bool IsQuantized { get; init; }

    /// <summary>True if its bundle lies where it should, whole.</summary>
    public required bool IsPublished { get; init; }

    /// <summary>Where its bundle goes.</summary>
    public required string Destination { get; init; }

    /// <summary>The content address of the quantized model.</summary>
    public required string Key { get; init; }

    /// <summary>What its ranges are found on, for the manifest.</summary>
    public required ManifestInput Calibration { get; init; }
}

/// <summary>The base model's files by content.</summary>
/// <param name="Model">The graph.</param>
/// <param name="Weights">The checkpoint, if the recipe names one.</param>
internal sealed record OriginInputs(ManifestInput Model, ManifestInput? Weights)
{
    /// <summary>For the manifest.</summary>
    public ManifestOrigin Origin => new(Model, Weights);
}
