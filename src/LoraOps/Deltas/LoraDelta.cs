using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Deltas;

/// <summary>
/// ΔW = scale · B · A (LoRA, arXiv:2106.09685). Embeddings: (B · A)ᵀ; convolutions: B's 1×1 kernel after A's, which is the
/// same product over A's flattened rows.
/// </summary>
public sealed class LoraDelta : Delta
{
    internal LoraDelta(LayerKind layer, Tensor a, Tensor b, double scale)
    {
        Layer = layer;
        A = a;
        B = b;
        Scale = scale;
        Rank = checked((int)a.Shape[0]);
        WeightShape = layer == LayerKind.Embedding
            ? new TensorShape(a.Shape[1], b.Shape[0])
            : new TensorShape([b.Shape[0], .. a.Shape.Dims[1..]]);
    }

    /// <inheritdoc/>
    public override string Method => "lora";

    /// <inheritdoc/>
    public override LayerKind Layer { get; }

    /// <inheritdoc/>
    public override TensorShape WeightShape { get; }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override double Scale { get; }

    /// <inheritdoc/>
    public override bool NeedsWeight => false;

    /// <inheritdoc/>
    public override bool IsProduct => true;

    /// <summary>The first factor as stored: [r, in], [r, vocabulary] or [r, in, kernel…].</summary>
    public Tensor A { get; }

    /// <summary>The second factor as stored: [out, r], [dim, r] or [out, r, 1…].</summary>
    public Tensor B { get; }

    /// <inheritdoc/>
    public override RowUpdate Prepare(TargetWeight weight)
    {
        var (coefficients, basis) = RowFactors();
        return new ProductUpdate(coefficients, basis, Rank, Scale);
    }

    /// <summary>The factors so that row i of ΔW is scale · coefficients[i] · basis, for every kind of layer.</summary>
    internal (float[] Coefficients, float[] Basis) RowFactors()
    {
        var (a, b) = (A.ToFloats(), B.ToFloats());
        if (Layer != LayerKind.Embedding)
            return (b, a);

        var (coefficients, basis) = (new float[a.Length], new float[b.Length]);
        Transposition.Transpose(a, Rank, a.Length / Rank, coefficients);
        Transposition.Transpose(b, b.Length / Rank, Rank, basis);
        return (coefficients, basis);
    }
}

/// <summary>Reads LoRA: lora_A and lora_B, or lora_embedding_A and lora_embedding_B.</summary>
public sealed class LoraMethod : AdapterMethod
{
    internal const string FactorA = "lora_A";
    internal const string FactorB = "lora_B";
    internal const string FactorBias = "lora_B.bias";
    internal const string EmbeddingA = "lora_embedding_A";
    internal const string EmbeddingB = "lora_embedding_B";

    /// <inheritdoc/>
    public override string Name => "lora";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts { get; } = [FactorA, FactorB, FactorBias, EmbeddingA, EmbeddingB];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Part, string Field)> TrainingParts =>
        [("lora_monteclora_sampler", "monteclora_config"), ("lora_velora_embed", "velora_config")];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Fields => LoraFields.Known;

    /// <inheritdoc/>
    public override void Check(AdapterConfig config, Findings findings)
    {
        foreach (var field in ((string[])["r", "lora_alpha"]).Where(field => config.Values.Raw(field) is null))
            findings.Problems.Add(AdapterProblems.ConfigInvalid(config.Values.File, $"field '{field}' is missing: the scale depends on it"));
    }

    /// <inheritdoc/>
    public override bool Claims(ModuleTensors tensors, AdapterConfig config) => tensors.Parts.Keys.All(Parts.Contains);

    /// <inheritdoc/>
    public override IReadOnlyList<Delta> Read(ModuleTensors tensors, AdapterConfig config, Findings findings) =>
        ReadGrouped(tensors, config, findings) is { } grouped ? [grouped, .. ReadBias(tensors, config, (grouped, grouped.B), findings)]
        : ReadFactors(tensors, config, findings) is { } delta ? [delta, .. ReadBias(tensors, config, (delta, delta.B), findings)]
        : [];

    // Factors of a grouped convolution that can be run beside it; null for all others, right or wrong.
    private static GroupedLoraDelta? ReadGrouped(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        if (tensors.Parts.Keys.Any(part => part is EmbeddingA or EmbeddingB) || !tensors.Parts.TryGetValue(FactorA, out var a)
            || !tensors.Parts.TryGetValue(FactorB, out var b) || !AreKernels(a, b) || !IsGrouped(a, b) || !GroupedLoraDelta.IsRunnable(a.Shape, b.Shape))
        {
            return null;
        }

        var refusal = AdapterProblems.GroupedConvolution(tensors.File, tensors.Module.Value, b.Shape[1], a.Shape[0]);
        var delta = new GroupedLoraDelta(a, b, ScaleOf(tensors.Module, config, checked((int)a.Shape[0]), findings), refusal);
        findings.Warnings.Add(
            $"module '{tensors.Module}' is a convolution of {delta.Groups} groups: no weight can take the change in, it is run beside the layer");
        return delta;
    }

    internal static LoraDelta? ReadFactors(ModuleTensors tensors, AdapterConfig config, Findings findings)
    {
        var embeds = tensors.Parts.ContainsKey(EmbeddingA) || tensors.Parts.ContainsKey(EmbeddingB);
        var (nameA, nameB) = embeds ? (EmbeddingA, EmbeddingB) : (FactorA, FactorB);
        foreach (var stray in tensors.Parts.Where(part => part.Key is FactorA or FactorB && embeds))
            findings.Problems.Add(AdapterProblems.TensorUnused(tensors.File, stray.Value.Name, "its module is an embedding"));

        return Pair(tensors, (nameA, nameB), findings, out var a, out var b) ? Combine(tensors, config, (a, b), findings) : null;
    }

    /// <summary>The delta of two factors whose shapes are checked here; null if they have no product.</summary>
    internal static LoraDelta? Combine(ModuleTensors tensors, AdapterConfig config, (Tensor A, Tensor B) pair, Findings findings)
    {
        var embeds = tensors.Parts.ContainsKey(EmbeddingA);
        if (!ShapesFit(tensors, pair, embeds, findings))
            return null;

        var (a, b) = pair;
        var layer = embeds ? LayerKind.Embedding : a.Shape.Rank > 2 ? LayerKind.Convolution : LayerKind.Linear;
        return new LoraDelta(layer, a, b, ScaleOf(tensors.Module, config, (int)a.Shape[0], findings));
    }

    // The bias of lora_B acts on the output as the product does, so it is scaled with it.
    private static List<Delta> ReadBias(ModuleTensors tensors, AdapterConfig config, (Delta Delta, Tensor B) factors, Findings findings)
    {
        var (delta, b) = factors;
        var wanted = config.Values.Flag("lora_bias");
        if (!tensors.Parts.TryGetValue(FactorBias, out var bias))
        {
            if (wanted && delta.Layer != LayerKind.Embedding)
                findings.Problems.Add(AdapterProblems.PartnerMissing(tensors.File, b.Name, tensors.Module.Parameter(FactorBias)));

            return [];
        }

        if (!wanted)
            findings.Problems.Add(AdapterProblems.TensorUnused(tensors.File, bias.Name, "the config's lora_bias is not set"));
        else if (bias.Shape.ElementCount != b.Shape[0])
            findings.Problems.Add(AdapterProblems.TensorInvalid(
                tensors.File, bias.Name, $"has shape {bias.Shape}, its module has {b.Shape[0]} outputs"));
        else
            return [new BiasDelta("lora", bias, delta.Scale)];

        return [];
    }

    internal static bool Pair(
        ModuleTensors tensors, (string A, string B) names, Findings findings, out Tensor a, out Tensor b)
    {
        a = tensors.Parts.GetValueOrDefault(names.A)!;
        b = tensors.Parts.GetValueOrDefault(names.B)!;
        if (a is not null && b is not null)
            return true;

        var (present, missing) = a is null ? (b, names.A) : (a, names.B);
        var name = present?.Name ?? tensors.Parts.Values.First().Name;
        findings.Problems.Add(AdapterProblems.PartnerMissing(tensors.File, name, tensors.Module.Parameter(missing)));
        return false;
    }

    private static bool ShapesFit(ModuleTensors tensors, (Tensor A, Tensor B) pair, bool embeds, Findings findings)
    {
        var (a, b) = pair;
        var plain = a.Shape.Rank == 2 && b.Shape.Rank == 2;
        var kernels = !embeds && AreKernels(a, b);
        var problem = (plain, kernels) switch
        {
            (false, false) => AdapterProblems.TensorInvalid(
                tensors.File, b.Name, $"has shape {b.Shape}, its partner {a.Shape}; [out, r] and [r, in] or [out, r, 1…] and [r, in, kernel…] are allowed"),
            (_, true) when IsGrouped(a, b) => AdapterProblems.GroupedConvolution(
                tensors.File, tensors.Module.Value, b.Shape[1], a.Shape[0]),
            _ when a.Shape[0] != b.Shape[1] => AdapterProblems.RankMismatch(tensors.File, (a.Name, a.Shape[0]), (b.Name, b.Shape[1])),
            _ => null,
        };
        if (problem is not null)
            findings.Problems.Add(problem);

        return problem is null;
    }

    private static bool AreKernels(Tensor a, Tensor b) =>
        a.Shape.Rank is 3 or 4 or 5 && b.Shape.Rank == a.Shape.Rank && b.Shape.Dims[2..].IndexOfAnyExcept(1) < 0;

    private static bool IsGrouped(Tensor a, Tensor b) => b.Shape[1] > 0 && b.Shape[1] < a.Shape[0] && a.Shape[0] % b.Shape[1] == 0;

    /// <summary>alpha / r, or alpha / √r, of a module or raw parameter.</summary>
    internal static double ScaleOf(ModuleName module, AdapterConfig config, int rank) =>
        (ModulePattern.Find(config.AlphaPattern, module) ?? config.Alpha) / (config.UsesRsLora ? Math.Sqrt(rank) : rank);

    private static double ScaleOf(ModuleName module, AdapterConfig config, int rank, Findings findings)
    {
        var said = ModulePattern.Find(config.RankPattern, module) ?? config.Rank;
        if (said != rank)
            findings.Warnings.Add($"module '{module}': the tensors have rank {rank}, the config says {said}; the tensors count");

        var scale = ScaleOf(module, config, rank);
        if (scale == 0)
            findings.Warnings.Add($"module '{module}': alpha is 0, so nothing changes");

        return scale;
    }
}
