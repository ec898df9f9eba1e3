using System.Numerics.Tensors;
using System.Text;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;
using Tensor = LoraOps.Tensors.Tensor;

namespace LoraOps.Writers.Peft;

/// <summary>
/// A LoRA adapter in the making, as save_pretrained lays it out: adapter_config.json and adapter_model.safetensors. Modules are
/// added one after another and written as they come, so that ranks need not be known before and memory stays small. Scales are
/// in B: alpha = r, no alpha_pattern, no rsLoRA.
/// </summary>
/// <param name="folder">The adapter's folder, which exists: that of a <see cref="StagedOutput"/>.</param>
/// <param name="fields">What the config says.</param>
/// <param name="names">The modules and parameters that will be added: room is kept for their entries.</param>
public sealed class PeftOutput(string folder, PeftFields fields, IEnumerable<string> names) : IDisposable
{
    private const string Prefix = "base_model.model.";
    private const string Weights = "adapter_model.safetensors";
    // Prefix, part, type, shape and place of a factor.
    private const int EntryBytes = 160;
    private const int OtherBytes = 128;
    private const int MostHeaderBytes = 1 << 24;
    private const int BlockLength = 1 << 15;
    private readonly GrowingSafetensors _file =
        new(Path.Combine(folder, Weights), HeaderBytes(names));

    private readonly float[] _floats = new float[BlockLength];
    private readonly byte[] _bytes = new byte[BlockLength * sizeof(float)];
    private readonly List<WrittenModule> _modules = [];
    private readonly List<Replacement> _replacements = [];

    /// <summary>The room that is kept for a file's header: two factors of each module. Biases or norms beside them may need more.</summary>
    /// <param name="names">The modules and parameters of the adapter.</param>
    public static int HeaderBytes(IEnumerable<string> names) =>
        (int)Math.Min(MostHeaderBytes, OtherBytes + names.Sum(name => 2L * (EntryBytes + Encoding.UTF8.GetByteCount(name))));

    /// <summary>The bytes of all tensors so far.</summary>
    public long Bytes => _file.Bytes;

    /// <summary>Adds an adapted layer. Its arrays are not kept.</summary>
    /// <exception cref="LoraOpsException">A value is not finite as the type, or the disk is full.</exception>
    public void Add(WrittenModule module)
    {
        var rank = fields.IsUniform ? fields.Rank : module.Rank;
        if (module.Rank < 1 || module.Rank > rank)
            throw new ArgumentOutOfRangeException(nameof(module), $"Module '{module.Name}' has rank {module.Rank}.");

        // PEFT multiplies by alpha / rank = r / rank.
        var factor = (double)rank / fields.Rank;
        var (nameA, nameB) = module.Layer == LayerKind.Embedding ? ("lora_embedding_A", "lora_embedding_B") : ("lora_A.weight", "lora_B.weight");
        var (a, b) = rank > module.Rank ? (PaddedRows(module, rank), PaddedColumns(module, rank)) : (module.A, module.B);
        Put(module.Name.Parameter(nameA), ShapeOfA(module, rank), a, 1);
        Put(module.Name.Parameter(nameB), ShapeOfB(module, rank), b, factor);
        if (module.Bias is { } bias)
            Put(module.Name.Parameter("lora_B.bias"), new TensorShape(bias.Length), bias, factor);

        if (module.Magnitude is { } magnitude)
            Put(module.Name.Parameter("lora_magnitude_vector"), ShapeOfMagnitude(module, magnitude), magnitude, 1);

        _modules.Add(module with { Rank = rank, A = [], B = [], Bias = module.Bias is null ? null : [], Magnitude = module.Magnitude is null ? null : [] });
    }

    /// <summary>Adds a parameter that the adapter replaces as a whole, as it is stored.</summary>
    /// <exception cref="LoraOpsException">The disk is full.</exception>
    public void Add(Replacement replacement)
    {
        _file.Add(SafetensorsEntry.Of(replacement.Value) with { Name = Prefix + replacement.FullName }, replacement.Value);
        _replacements.Add(replacement);
    }

    /// <summary>Writes the two files of the adapter.</summary>
    /// <exception cref="LoraOpsException">They cannot be written.</exception>
    public void Finish()
    {
        _file.Finish();
        var config = PeftConfigJson.Encode(fields, _modules, _replacements);
        using var file = new OutputFile(Path.Combine(folder, "adapter_config.json"), config.Length);
        file.Write(config);
        file.Finish();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Put(string name, TensorShape shape, ReadOnlySpan<double> values, double factor)
    {
        _file.Begin(new SafetensorsEntry(Prefix + name, fields.Type, shape));
        Span<double> scaled = stackalloc double[256];
        while (values.Length > 0)
        {
            var floats = _floats.AsSpan(0, Math.Min(BlockLength, values.Length));
            if (factor == 1)
                TensorPrimitives.ConvertTruncating<double, float>(values[..floats.Length], floats);

            for (var at = 0; at < floats.Length && factor != 1; at += scaled.Length)
            {
                var part = scaled[..Math.Min(scaled.Length, floats.Length - at)];
                TensorPrimitives.Multiply(values.Slice(at, part.Length), factor, part);
                TensorPrimitives.ConvertTruncating<double, float>(part, floats[at..]);
            }

            Write(name, floats);
            values = values[floats.Length..];
        }
    }

    private void Write(string name, Span<float> floats)
    {
        var bytes = _bytes.AsSpan(0, floats.Length * (fields.Type.Bits() / 8));
        ElementCodec.Encode(fields.Type, floats, bytes);
        ElementCodec.Decode(fields.Type, bytes, floats);
        if (!float.IsFinite(TensorPrimitives.MaxMagnitude<float>(floats)))
            throw new LoraOpsException(MixProblems.NotFinite(StagedOutput.FinalPath(Path.Combine(folder, Weights)), Prefix + name, fields.Type.Name()));

        _file.Write(bytes);
    }

    private static double[] PaddedRows(WrittenModule module, int rank)
    {
        var padded = new double[checked(module.A.Length / module.Rank * rank)];
        module.A.CopyTo(padded, 0);
        return padded;
    }

    private static double[] PaddedColumns(WrittenModule module, int rank)
    {
        var rows = module.B.Length / module.Rank;
        var padded = new double[checked(rows * rank)];
        for (var row = 0; row < rows; row++)
            module.B.AsSpan(row * module.Rank, module.Rank).CopyTo(padded.AsSpan(row * rank));

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
