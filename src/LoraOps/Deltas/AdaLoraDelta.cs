using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = scale · B · diag(E) · A with scale = alpha / (initial rank + 1e-5) (AdaLoRA, arXiv:2303.10512, as PEFT divides). The
/// factors of a convolution are those of its flattened kernel.
/// </summary>
public sealed class AdaLoraDelta : Delta
{
    private readonly int[] _kept;

    internal AdaLoraDelta((Tensor A, Tensor B, Tensor E) factors, int[] kept, double scale)
    {
        (A, B, E) = factors;
        _kept = kept;
        Scale = scale;
    }

    /// <inheritdoc/>
    public override string Method => "adalora";

    /// <inheritdoc/>
    public override LayerKind Layer => LayerKind.Linear;

    /// <inheritdoc/>
    public override TensorShape? WeightShape => null;

    /// <inheritdoc/>
    public override int Rank => _kept.Length;

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override bool IsProduct => true;

    /// <inheritdoc/>
    public override string Expected => $"[{B.Shape[0]}, {A.Shape[1]}] or a kernel of {A.Shape[1]} values for each of {B.Shape[0]} outputs";

    /// <summary>[r, in]</summary>
    public Tensor A { get; }

    /// <summary>[out, r]</summary>
    public Tensor B { get; }

    /// <summary>[r, 1]</summary>
    public Tensor E { get; }

    /// <inheritdoc/>
    public override bool Fits(TensorShape weight) =>
        weight.Rank is >= 2 and <= 5 && weight[0] == B.Shape[0] && weight.RowLength == A.Shape[1];

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (a, b, e, stored) = (A.ToFloats(), B.ToFloats(), E.ToFloats(), checked((int)A.Shape[0]));
        var columns = a.Length / stored;
        var basis = new float[columns * Rank];
        var coefficients = new float[b.Length / stored * Rank];
        for (var index = 0; index < basis.Length; index++)
            basis[index] = a[(_kept[index / columns] * columns) + (index % columns)] * e[_kept[index / columns]];

        for (var index = 0; index < coefficients.Length; index++)
            coefficients[index] = b[(index / Rank * stored) + _kept[index % Rank]];

        return new ProductUpdate(coefficients, basis, Rank, Scale);
    }
}

/// <summary>Reads AdaLoRA: lora_A, lora_B and lora_E, with the ranks that pruning kept.</summary>
public sealed class AdaLoraMethod : AdapterMethod
{
    private const string FactorE = "lora_E";
    private const double Guard = 1e-5;

    /// <inheritdoc/>
    public override string Name => "adalora";

    /// <inheritdoc/>
    public override string PeftType => "ADALORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [LoraMethod.FactorA, LoraMethod.FactorB, FactorE];

    /// <inheritdoc/>
    public override bool AllowsEmpty => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields { get; } =
    [
        "beta1", "beta2", "deltaT", "init_lora_weights", "init_r", "lora_alpha", "lora_dropout", "loftq_config", "megatron_core",
        "orth_reg_weight", "qalora_group_size", "r", "rank_pattern", "target_r", "tfinal", "tinit", "total_step",
    ];

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings) => KeptRanks.Check(config);

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var missing = Parts.FirstOrDefault(part => !tensors.Parts.ContainsKey(part));
        if (missing is not null)
        {
            findings.Problems.Add(AdapterProblems.PartnerMissing(
                tensors.File, tensors.Parts.Values.First().Name, tensors.Module.Parameter(missing)));
            return [];
        }

        var (a, b, e) = (tensors.Parts[LoraMethod.FactorA], tensors.Parts[LoraMethod.FactorB], tensors.Parts[FactorE]);
        var pattern = KeptRanks.Of(config, tensors.Module);
        if (ShapeProblem(tensors.File, (a, b, e), pattern) is { } problem)
        {
            findings.Problems.Add(problem);
            return [];
        }

        int[] all = [.. Enumerable.Range(0, checked((int)a.Shape[0]))];
        var kept = pattern is not null && pattern.Length == all.Length ? [.. all.Where(index => pattern[index])] : all;
        if (kept.Length == 0)
            return [];

        var initial = config.Values.Count("init_r", 12);
        var scale = (config.Alpha > 0 ? config.Alpha : kept.Length) / (initial + Guard);
        return [new AdaLoraDelta((a, b, e), kept, scale)];
    }

    // Old files hold all ranks beside a pattern that keeps fewer; a rank pruned to nothing leaves tensors without elements.
    private static Problem? ShapeProblem(string file, (Tensor A, Tensor B, Tensor E) factors, bool[]? pattern)
    {
        var (a, b, e) = factors;
        if (a.Shape.Rank != 2 || b.Shape.Rank != 2 || e.Shape.ElementCount != a.Shape[0])
            return AdapterProblems.TensorInvalid(
                file, e.Name, $"has shape {e.Shape}, its partners {a.Shape} and {b.Shape}; [r, 1], [r, in] and [out, r] are allowed");

        if (a.Shape[0] != b.Shape[1])
            return AdapterProblems.RankMismatch(file, (a.Name, a.Shape[0]), (b.Name, b.Shape[1]));

        var kept = pattern?.Count(isKept => isKept);
        if (a.Shape[0] == 0 && kept is null or > 0)
            return AdapterProblems.TensorEmpty(file, a.Name, a.Shape.ToString());

        return kept is null || a.Shape[0] == kept || a.Shape[0] == pattern!.Length
            ? null
            : AdapterProblems.TensorInvalid(file, a.Name, $"has {a.Shape[0]} ranks, the config's rank_pattern keeps {kept} of {pattern.Length}");
    }
}
