using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Writers.Peft;

/// <summary>
/// A LoRA adapter in the making, as save_pretrained lays it out: adapter_config.json and adapter_model.safetensors. Modules are
/// added one after another and kept in a file beside the result, so that ranks need not be known before and memory stays small.
/// Scales are in B: alpha = r, no alpha_pattern, no rsLoRA.
/// </summary>
/// <param name="folder">The adapter's folder, which exists: that of a <see cref="StagedOutput"/>.</param>
/// <param name="fields">What the config says.</param>
public sealed class PeftOutput(string folder, PeftFields fields) : IDisposable
{
    private const string Prefix = "base_model.model.";
    private const string Weights = "adapter_model.safetensors";
    private readonly Spool _spool = new(Path.Combine(folder, ".tensors"));
    private readonly List<WrittenModule> _modules = [];
    private readonly List<Replacement> _replacements = [];

    /// <summary>The bytes of all tensors so far.</summary>
    public long Bytes => _spool.Bytes;

    /// <summary>Adds an adapted layer. Its arrays are not kept.</summary>
    /// <exception cref="LoraOpsException">A value is not finite as the type, or the disk is full.</exception>
    public void Add(WrittenModule module)
    {
        var rank = fields.IsUniform ? fields.Rank : module.Rank;
        if (module.Rank < 1 || module.Rank > rank)
            throw new ArgumentOutOfRangeException(nameof(module), $"Module '{module.Name}' has rank {module.Rank}.");

        var (b, a) = (Padded(module.B, module.Rank, rank), module.A);
        if (rank > module.Rank)
            Array.Resize(ref a, a.Length / module.Rank * rank);

        // PEFT multiplies by alpha / rank = r / rank.
        TensorPrimitives.Multiply(b, (double)rank / fields.Rank, b);
        var (nameA, nameB) = module.Layer == LayerKind.Embedding ? ("lora_embedding_A", "lora_embedding_B") : ("lora_A.weight", "lora_B.weight");
        Put(module.Name.Parameter(nameA), ShapeOfA(module, rank), a);
        Put(module.Name.Parameter(nameB), ShapeOfB(module, rank), b);
        if (module.Bias is { } bias)
        {
            var scaled = new double[bias.Length];
            TensorPrimitives.Multiply(bias, (double)rank / fields.Rank, scaled);
            Put(module.Name.Parameter("lora_B.bias"), new TensorShape(bias.Length), scaled);
        }

        if (module.Magnitude is { } magnitude)
            Put(module.Name.Parameter("lora_magnitude_vector"), ShapeOfMagnitude(module, magnitude), magnitude);

        _modules.Add(module with { Rank = rank, A = [], B = [], Bias = module.Bias is null ? null : [], Magnitude = module.Magnitude is null ? null : [] });
    }

    /// <summary>Adds a parameter that the adapter replaces as a whole, as it is stored.</summary>
    /// <exception cref="LoraOpsException">The disk is full.</exception>
    public void Add(Replacement replacement)
    {
        _spool.Add(SafetensorsEntry.Of(replacement.Value) with { Name = Prefix + replacement.FullName }, replacement.Value);
        _replacements.Add(replacement);
    }

    /// <summary>Writes the two files of the adapter.</summary>
    /// <exception cref="LoraOpsException">They cannot be written.</exception>
    public void Finish()
    {
        _spool.WriteTo(Path.Combine(folder, Weights));
        var config = PeftConfigJson.Encode(fields, _modules, _replacements);
        using var file = new OutputFile(Path.Combine(folder, "adapter_config.json"), config.Length);
        file.Write(config);
        file.Finish();
    }

    /// <inheritdoc/>
    public void Dispose() => _spool.Dispose();

    private void Put(string name, TensorShape shape, ReadOnlySpan<double> values)
    {
        var floats = new float[values.Length];
        TensorPrimitives.ConvertTruncating(values, floats);
        var tensor = BufferTensor.FromFloats(Prefix + name, fields.Type, shape, floats);
        if (!IsFinite(tensor, floats))
            throw new LoraOpsException(MixProblems.NotFinite(StagedOutput.FinalPath(Path.Combine(folder, Weights)), tensor.Name, fields.Type.Name()));

        _spool.Add(SafetensorsEntry.Of(tensor), tensor);
    }

    private static bool IsFinite(Tensor stored, float[] scratch)
    {
        stored.ReadFloats(0, scratch);
        return Array.TrueForAll(scratch, float.IsFinite);
    }

    private static double[] Padded(double[] b, int rank, int wanted)
    {
        var rows = b.Length / rank;
        var padded = new double[checked(rows * wanted)];
        for (var row = 0; row < rows; row++)
            b.AsSpan(row * rank, rank).CopyTo(padded.AsSpan(row * wanted));

        return padded;
    }

    // A convolution's norms have the shape that its output is multiplied with.
    private static TensorShape ShapeOfMagnitude(WrittenModule module, double[] magnitude) => module.Weight.Rank > 2
        ? new TensorShape([1, magnitude.Length, .. Enumerable.Repeat(1L, module.Weight.Rank - 2)])
        : new TensorShape(magnitude.Length);

    private static TensorShape ShapeOfA(WrittenModule module, int rank) => module.Layer == LayerKind.Embedding
        ? new TensorShape(rank, module.Weight[0])
        : new TensorShape([rank, .. module.Weight.Dims[1..]]);

    private static TensorShape ShapeOfB(WrittenModule module, int rank) => module.Layer == LayerKind.Embedding
        ? new TensorShape(module.Weight[1], rank)
        : new TensorShape([module.Weight[0], rank, .. Enumerable.Repeat(1L, Math.Max(0, module.Weight.Rank - 2))]);
}
