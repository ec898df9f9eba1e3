using System.Globalization;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>What the layouts have found in a checkpoint so far.</summary>
/// <param name="files">The checkpoint as stored.</param>
/// <param name="config">What its config says, or null.</param>
internal sealed class LayoutReading(Checkpoint files, QuantisationConfig? config)
{
    private readonly Dictionary<string, DequantisedTensor> _weights = new(StringComparer.Ordinal);
    private readonly HashSet<string> _companions = new(StringComparer.Ordinal);
    private readonly ProblemList _problems = new();

    /// <summary>What the config says, or null.</summary>
    public QuantisationConfig? Config => config;

    /// <summary>The bits of a code as the config says, for messages.</summary>
    public string BitsText => config?.Bits is { } bits ? bits.ToString(CultureInfo.InvariantCulture) : "unknown";

    /// <summary>The names of all stored tensors.</summary>
    public IEnumerable<string> Names => files.Names;

    /// <summary>The weights by the name of the stored tensor whose place they take.</summary>
    public IReadOnlyDictionary<string, DequantisedTensor> Weights => _weights;

    /// <summary>True if a stored tensor is part of a weight that was found.</summary>
    public bool Explains(string name) => _weights.ContainsKey(name) || _companions.Contains(name);

    /// <summary>A stored tensor, or null.</summary>
    public Tensor? Find(string name) => files.Find(name);

    /// <summary>A tensor that a weight cannot do without; null, with a problem, if it is missing.</summary>
    public Tensor? Required(string owner, string name)
    {
        var found = files.Find(name);
        if (found is null)
            Missing(owner, name);

        return found;
    }

    /// <summary>A tensor's weight lacks another one.</summary>
    public void Missing(string owner, string name) => _problems.Add(QuantisedProblems.CompanionMissing(PathOf(owner), owner, name));

    /// <summary>True if a tensor has a type and a shape; else a problem.</summary>
    /// <param name="tensor">A companion.</param>
    /// <param name="types">What its type may be.</param>
    /// <param name="count">How many elements it must have.</param>
    public bool Fits(Tensor tensor, ElementType[] types, long count) => Fits(tensor, types, tensor.Shape.ElementCount == count, $"{count} elements");

    /// <inheritdoc cref="Fits(Tensor, ElementType[], long)"/>
    public bool Fits(Tensor tensor, ElementType[] types, TensorShape shape) => Fits(tensor, types, tensor.Shape.Equals(shape), $"shape {shape}");

    /// <summary>Adds a weight in the place of a stored tensor.</summary>
    public void Add(string stored, DequantisedTensor weight, IEnumerable<string> companions)
    {
        if (weight.Name != stored && files.Find(weight.Name) is not null)
            Invalid(stored, $"the checkpoint has '{weight.Name}' beside it");

        if (!_weights.TryAdd(stored, weight))
            Invalid(stored, $"it is stored as {_weights[stored].Format} and as {weight.Format} at once");

        _companions.UnionWith(companions.Where(name => files.Find(name) is not null));
    }

    /// <summary>A stored tensor does not mean what its layout says.</summary>
    public void Invalid(string name, string reason) => _problems.Add(QuantisedProblems.Invalid(PathOf(name), name, reason));

    /// <summary>A stored tensor is of a layout that is not read.</summary>
    public void Unsupported(string name, string reason) => _problems.Add(QuantisedProblems.LayoutUnsupported(PathOf(name), name, reason));

    /// <summary>Ends the reading.</summary>
    /// <exception cref="LoraOpsException">Something is wrong.</exception>
    public void ThrowIfAny() => _problems.ThrowIfAny();

    /// <summary>The type of dequantised weights whose layout does not record it: the config's, else that of a tensor, else float16.</summary>
    public ElementType TypeLike(Tensor? tensor) =>
        config?.Type ?? (tensor?.Type is ElementType.F16 or ElementType.BF16 or ElementType.F32 ? tensor.Type : ElementType.F16);

    private bool Fits(Tensor tensor, ElementType[] types, bool hasShape, string wanted)
    {
        if (hasShape && types.Contains(tensor.Type))
            return true;

        Invalid(tensor.Name, $"it is {tensor.Type.Name()} {tensor.Shape}, and must be {string.Join(" or ", types.Select(type => type.Name()))} of {wanted}");
        return false;
    }

    private string PathOf(string name) => files.ShardOf(name).Path;
}
