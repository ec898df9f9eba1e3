using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>
/// A checkpoint as its model knows it: quantised weights are there under their own names with their dequantised values, and
/// the tensors that they are stored with are not. All weights are dequantised or the checkpoint is refused.
/// </summary>
public sealed class LogicalCheckpoint
{
    private readonly LayoutReading _reading;
    private readonly Dictionary<string, Tensor> _byName;
    private readonly List<string> _names;

    /// <summary>Sees through the quantisation of a checkpoint; only small companions are read.</summary>
    /// <param name="files">The checkpoint, which must stay open as long as values are read.</param>
    /// <param name="config">What its config says about quantisation, or null.</param>
    /// <exception cref="LoraOpsException">It is quantised in another way than those that are read, or tensors are missing or do not fit.</exception>
    public LogicalCheckpoint(Checkpoint files, QuantisationConfig? config)
    {
        Files = files;
        _reading = Read(files, config);
        var tensors = files.Names.Select(name => Seen(files.Find(name)!)).OfType<Tensor>().ToList();
        _names = [.. tensors.Select(tensor => tensor.Name)];
        Dequantised = [.. tensors.OfType<DequantisedTensor>()];
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The checkpoint as it is stored.</summary>
    public Checkpoint Files { get; }

    /// <summary>The file or folder as it was named.</summary>
    public string Path => Files.Path;

    /// <summary>The names of all tensors: shard by shard, in the order of their bytes.</summary>
    public IEnumerable<string> Names => _names;

    /// <summary>The tensors in the order of <see cref="Names"/>.</summary>
    public IEnumerable<Tensor> Tensors => _names.Select(name => _byName[name]);

    /// <summary>What is odd and does no harm.</summary>
    public IReadOnlyList<string> Warnings =>
        Quantisation is { } quantisation ? [.. Files.Warnings, $"the base is quantised: {quantisation}"] : Files.Warnings;

    /// <summary>The weights that are stored quantised.</summary>
    public IReadOnlyList<DequantisedTensor> Dequantised { get; }

    /// <summary>The widest type that dequantised weights have here; null if there are none.</summary>
    public ElementType? WidestType => Dequantised.Count == 0 ? null : Dequantised.Max(weight => weight.Type);

    /// <summary>What is quantised and what becomes of it, for people; null if nothing is.</summary>
    public string? Quantisation => Dequantised.Count == 0
        ? null
        : string.Join("; ", Dequantised.GroupBy(weight => (weight.Format, weight.Type)).OrderBy(group => group.Key).Select(group =>
            $"{group.Count()} weights of {group.Key.Format} are dequantised and written as {group.Key.Type.Name()}"));

    /// <summary>The tensor of this name, or null.</summary>
    public Tensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensors of one file, in the order of their bytes; those that an index does not list are not there.</summary>
    public IEnumerable<Tensor> TensorsOf(SafetensorsFile shard) =>
        shard.Tensors.Where(stored => Files.Find(stored.Name) == stored).Select(Seen).OfType<Tensor>();

    private static LayoutReading Read(Checkpoint files, QuantisationConfig? config)
    {
        if (ForeignLayouts.Refuse(files.ConfigPath ?? files.Path, config) is { } problem)
            throw new LoraOpsException(problem);

        var reading = new LayoutReading(files, config);
        foreach (var layout in QuantisedLayouts.All)
            layout.Read(reading);

        reading.ThrowIfAny();
        ForeignLayouts.Refuse(reading);
        reading.ThrowIfAny();
        return reading;
    }

    private Tensor? Seen(Tensor stored) => _reading.Weights.TryGetValue(stored.Name, out var weight)
        ? weight
        : _reading.Explains(stored.Name) ? null : stored;
}
