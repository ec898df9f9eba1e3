using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Forms;

/// <summary>
/// The rows of one stored tensor that belong to a module, and what each was multiplied with on its way into the graph: the true
/// weight is stored ÷ multiplier, and a change of it is stored times the multiplier. Other rows keep their bits.
/// </summary>
internal sealed class StoredRows
{
    private readonly OnnxModel _model;
    private readonly WeightPlace _place;
    private readonly float[] _stored;
    private readonly int _start;
    private readonly int _length;
    private readonly int _columns;

    /// <param name="model">The model.</param>
    /// <param name="places">Places that read the same rows of one stored tensor.</param>
    public StoredRows(OnnxModel model, IReadOnlyList<WeightPlace> places)
    {
        _model = model;
        _place = places[0];
        Uses = [.. places.Select(place => place.Use)];
        Type = model.Read(_place.Use.Tensor).Type;
        _stored = StoredWeight.ReadStored(model, _place.Use);
        _columns = (int)_place.Use.Shape.RowLength;
        var rows = _place.Rows ?? new RowRange(0, _place.Use.Shape[0]);
        _start = checked((int)(rows.First * _columns));
        _length = checked((int)(rows.Count * _columns));
    }

    /// <summary>The nodes that read them.</summary>
    public IReadOnlyList<WeightUse> Uses { get; }

    /// <summary>The rows of the tensor; null if all.</summary>
    public RowRange? Rows => _place.Rows;

    /// <summary>The rows of the module; null if all.</summary>
    public RowRange? Part => _place.Part;

    /// <summary>The type that they are stored in.</summary>
    public ElementType Type { get; }

    /// <summary>True if every element is a number that the type holds.</summary>
    public bool IsFinite
    {
        get
        {
            var limit = Type switch
            {
                // Halfway to the next power of two is where rounding gives infinity.
                ElementType.F16 => 65520f,
                ElementType.BF16 => 3.3961775e38f,
                _ => float.PositiveInfinity,
            };
            foreach (var value in _stored.AsSpan(_start, _length))
            {
                if (!(Math.Abs(value) < limit))
                    return false;
            }

            return true;
        }
    }

    /// <summary>The module's own weight; zero where the multiplier is, which hides it.</summary>
    public float[] Weight()
    {
        var weight = _stored.AsSpan(_start, _length).ToArray();
        for (var i = 0; i < weight.Length; i++)
        {
            if (Multiplier(i) is var multiplier && multiplier != 1)
                weight[i] = multiplier == 0 ? 0 : weight[i] / multiplier;
        }

        return weight;
    }

    /// <summary>The rows of a whole module's values that these are.</summary>
    public ReadOnlySpan<float> PartOf(float[] values) =>
        Part is { } part ? values.AsSpan(checked((int)(part.First * _columns)), _length) : values;

    /// <summary>Adds a change of the module's weight.</summary>
    public void Add(ReadOnlySpan<float> change)
    {
        for (var i = 0; i < change.Length; i++)
        {
            // What is multiplied with zero may be infinite: a norm of nothing.
            if (Multiplier(i) is var multiplier && multiplier != 0)
                _stored[_start + i] += multiplier == 1 ? change[i] : multiplier * change[i];
        }
    }

    /// <summary>Puts other values in the weight's place.</summary>
    public void Replace(ReadOnlySpan<float> values)
    {
        for (var i = 0; i < values.Length; i++)
            _stored[_start + i] = Multiplier(i) * values[i];
    }

    /// <summary>The whole stored tensor's bytes.</summary>
    public byte[] Encode() => StoredWeight.Encode(_model, Uses[0], _stored);

    private float Multiplier(int element) => (_place.Factors?[element / _columns] ?? 1) / _place.Use.Alpha;
}
