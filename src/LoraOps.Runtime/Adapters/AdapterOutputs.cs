using LoraOps.Tensors;
using LoraOps.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Adapters;

/// <summary>What a run gave; its memory is the runtime's until this is disposed of.</summary>
public sealed class AdapterOutputs : IDisposable
{
    private readonly IDisposableReadOnlyCollection<OrtValue> _values;

    internal AdapterOutputs(IReadOnlyList<string> names, IDisposableReadOnlyCollection<OrtValue> values)
    {
        Names = names;
        _values = values;
    }

    /// <summary>The outputs, in graph order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The value of an output, without copying it.</summary>
    /// <exception cref="KeyNotFoundException">The model has no such output.</exception>
    public OrtValue this[string output]
    {
        get
        {
            for (var at = 0; at < Names.Count; at++)
            {
                if (Names[at] == output)
                    return _values[at];
            }

            throw new KeyNotFoundException($"There is no output '{output}' but {string.Join(", ", Names)}.");
        }
    }

    /// <summary>A copy of an output's elements as float32, row-major.</summary>
    /// <exception cref="KeyNotFoundException">The model has no such output.</exception>
    public float[] Floats(string output)
    {
        var value = this[output];
        var info = value.GetTensorTypeAndShape();
        var type = RuntimeTypes.From(info.ElementDataType)!.Value;
        var floats = new float[info.ElementCount];
        ElementCodec.Decode(type, value.GetTensorMutableRawData()[..(floats.Length * (type.Bits() / 8))], floats);
        GC.KeepAlive(this);
        return floats;
    }

    /// <inheritdoc/>
    public void Dispose() => _values.Dispose();
}
