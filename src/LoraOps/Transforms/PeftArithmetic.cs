using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Problems;

namespace LoraOps.Transforms;

/// <summary>How PEFT's result differs from the method's definition.</summary>
/// <param name="ScalesTwice">The SVD types weigh a delta, which contains its scaling, by weight · scaling.</param>
/// <param name="Factor">What the inherited rsLoRA scaling multiplies the result by: √r; else 1.</param>
/// <param name="HasNorms">The inherited DoRA gives every layer the row norms of the base as its magnitude.</param>
internal sealed record PeftDefects(bool ScalesTwice, double Factor, bool HasNorms)
{
    /// <summary>The method as it is defined.</summary>
    public static PeftDefects None { get; } = new(false, 1, false);
}

/// <summary>
/// Turns a mix into what PEFT's add_weighted_adapter (0.20) would make of it, its defects included, each of which is told. The
/// first adapter's config is inherited, r and lora_alpha become the new rank.
/// </summary>
public sealed class PeftArithmetic
{
    private static readonly string[] OnFactors = ["linear", "ties", "dare-linear", "dare-ties", "magnitude-prune"];
    private readonly MixRequest _request;
    private readonly ICollection<Problem> _problems;
    private readonly ICollection<string> _warnings;

    internal PeftArithmetic(MixRequest request, ICollection<Problem> problems, ICollection<string> warnings) =>
        (_request, _problems, _warnings) = (request, problems, warnings);

    private IReadOnlyList<Adapter> Adapters => [.. _request.Adapters.Select(source => source.Adapter)];

    /// <summary>The eleven combination types that can be reproduced.</summary>
    public static IReadOnlyList<string> Types { get; } =
        ["cat", .. OnFactors, "svd", .. OnFactors.Where(name => name != "linear").Select(name => $"{name}-svd")];

    /// <summary>The combination type that a method's name means: <c>peft_ties</c> is ties, and a rank makes <c>ties_svd</c> of ties.</summary>
    /// <param name="method">A method's name, or a combination type's, with dashes or underscores.</param>
    /// <param name="hasRank">True if the result has a given rank.</param>
    public static string TypeOf(string method, bool hasRank)
    {
        var name = method.Replace('_', '-');
        return name switch
        {
            "sum-svd" => "svd",
            _ when name.StartsWith("peft-", StringComparison.Ordinal) => name[5..],
            _ when hasRank && Types.Contains($"{name}-svd") => $"{name}-svd",
            _ => name,
        };
    }

    /// <summary>The request that does what PEFT does.</summary>
    internal (MixRequest Request, PeftDefects Defects) Reproduce()
    {
        var type = _request.PeftType!;
        if (_request.Adapters.Count == 1 && type != "linear")
        {
            _warnings.Add($"PEFT makes 'linear' of '{type}' for one adapter, and ignores the rank");
            type = "linear";
        }

        if (!Types.Contains(type))
            _problems.Add(MixProblems.SettingInvalid(
                "", $"add_weighted_adapter has no combination type {type}; it has {string.Join(", ", Types)}", "Use one of these, or --arithmetic exact."));

        Refuse();
        var rank = Rank(type);
        var defects = new PeftDefects(type.EndsWith("svd", StringComparison.Ordinal), RsLora(rank), Dora());
        Lose();
        if (OnFactors.Contains(type))
            _warnings.Add($"PEFT applies {type} to A and B by themselves: the result has the cross terms B·A of different adapters");

        if (defects.ScalesTwice && Scales().Any(scale => scale != 1))
            _warnings.Add("PEFT's SVD types multiply by weight · scaling although the delta already contains the scaling");

        return (_request with { Adapters = Plain(), Method = MethodOf(type), Settings = SettingsOf(type, rank) }, defects);
    }

    private static MixMethod MethodOf(string type) => MixMethods.Find(type switch
    {
        "cat" => "cat",
        "svd" => "sum-svd",
        _ when type.EndsWith("-svd", StringComparison.Ordinal) => type[..^4],
        _ => $"peft-{type}",
    }) ?? MixMethods.Find("cat")!;

    private MixSettings SettingsOf(string type, int rank) => new()
    {
        Density = _request.Settings.Density,
        MajoritySignMethod = _request.Settings.MajoritySignMethod,
        Seed = _request.Settings.Seed,
        Rank = type.EndsWith("svd", StringComparison.Ordinal) ? rank : null,
    };

    private int Rank(string type)
    {
        var most = Adapters.Select(adapter => adapter.Modules.Select(module => module.Delta.Rank).DefaultIfEmpty(1).Max()).ToList();
        if (OnFactors.Contains(type) && most.Distinct().Count() > 1)
            _problems.Add(MixProblems.SettingInvalid(
                "", $"PEFT's {type} needs equal ranks, and the adapters have {string.Join(", ", most)}", "Use cat or svd."));

        return type switch
        {
            "cat" => most.Sum(),
            _ when type.EndsWith("svd", StringComparison.Ordinal) => _request.Settings.Rank ?? most.Max(),
            _ => most.Max(),
        };
    }

    private double RsLora(int rank)
    {
        if (!Adapters[0].Config.UsesRsLora)
            return 1;

        _warnings.Add($"PEFT inherits use_rslora from the first adapter: the result is multiplied by √{rank}");
        return Math.Sqrt(rank);
    }

    private bool Dora()
    {
        if (Adapters.Any(adapter => adapter.Config.UsesDora))
            _warnings.Add("PEFT does not combine DoRA's magnitudes: only the low-rank parts are added");

        if (!Adapters[0].Config.UsesDora)
            return false;

        _warnings.Add("PEFT inherits use_dora from the first adapter: the new magnitudes are the row norms of the base");
        if (_request.Base is null)
            _problems.Add(MixProblems.BaseNeeded(
                Adapters[0].Folder, [.. Adapters[0].Modules.Select(module => module.Name.Value)], "the magnitude that PEFT gives a DoRA result"));

        return true;
    }

    private void Lose()
    {
        if (Adapters.Any(adapter => adapter.Modules.Any(module => module.Delta is BiasDelta)))
            _warnings.Add("PEFT does not combine lora_bias: the biases of lora_B are lost");

        var saved = Adapters.SelectMany(adapter => adapter.Replacements.Select(replacement => replacement.FullName).Distinct()).GroupBy(name => name).ToList();
        if (saved.Count > 0)
            _warnings.Add(
                $"PEFT does not combine saved modules and biases: {string.Join(", ", saved.Select(group => $"'{group.Key}'"))} stay as the base has them");

        foreach (var twice in saved.Where(group => group.Count() > 1))
            _problems.Add(MixProblems.SettingInvalid(
                "", $"add_weighted_adapter refuses adapters that save the same module: '{twice.Key}'", "Use --arithmetic exact."));

        if (Adapters[0].Config.Initialization is var how && how is not ("true" or "false" or "gaussian"))
            _warnings.Add($"PEFT inherits init_lora_weights '{how}' and changes the base's weights once more; the base is not touched here");
    }

    private void Refuse()
    {
        foreach (var (adapter, layers, method) in MixCheck.Without(_request, delta => delta is LoraDelta or DoraDelta))
            _problems.Add(MixProblems.DeltaRefused(adapter.Folder, layers, method, "is not what add_weighted_adapter combines: it takes LoRA and DoRA"));

        if (!_request.PeftType!.EndsWith("svd", StringComparison.Ordinal))
            return;

        foreach (var (adapter, layers, _) in MixCheck.Without(_request, delta => delta is not { Layer: LayerKind.Convolution, WeightShape.Rank: not 4 }))
            _problems.Add(MixProblems.DeltaRefused(adapter.Folder, layers, "PEFT", "crashes with an SVD type on Conv1d and Conv3d"));
    }

    private IEnumerable<double> Scales() => Adapters.SelectMany(adapter => adapter.Modules).Select(module => module.Delta.Scale);

    private List<WeightedAdapter> Plain() =>
    [
        .. _request.Adapters.Select(source => source with
        {
            Adapter = source.Adapter with
            {
                Replacements = [],
                Modules = [.. source.Adapter.Modules.Where(module => module.Delta is LoraDelta or DoraDelta).Select(Undora)],
            },
        }),
    ];

    private static AdapterModule Undora(AdapterModule module) => module.Delta is DoraDelta dora ? module with { Delta = dora.Factors } : module;
}
