using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Runtime.Recovering;

/// <summary>The patches of a convolution over one or two axes: [channels of a group, kernel], zeros where it looks over the edge.</summary>
internal sealed class PatchInput : LayerInput
{
    private long[] _kernel = [1, 1];
    private long[] _strides = [1, 1];
    private long[] _dilations = [1, 1];
    private long[] _pads = [0, 0, 0, 0];
    private string _auto = "";
    private int _channels;

    public override string Key => $"{Activation}\n{Groups} {_channels} {_auto} {string.Join(' ', _kernel.Concat(_strides).Concat(_dilations).Concat(_pads))}";

    public static new PatchInput Of(WeightedNode node)
    {
        var (conv, dims) = (node.Node, node.Weight!.Dims);
        var groups = (int)conv.Integer("group", 1);
        var auto = conv.Attribute.FirstOrDefault(attribute => attribute.Name == "auto_pad")?.S.ToStringUtf8() ?? "";
        return new PatchInput
        {
            Activation = node.Activation,
            Groups = groups,
            Columns = (int)dims.Skip(1).Aggregate(1L, (product, dim) => product * dim),
            _channels = (int)dims[1],
            _kernel = [.. dims.Skip(2)],
            _strides = Of(conv.Integers("strides"), dims.Count - 2, 1),
            _dilations = Of(conv.Integers("dilations"), dims.Count - 2, 1),
            _pads = Of(conv.Integers("pads"), 2 * (dims.Count - 2), 0),
            _auto = auto is "NOTSET" ? "" : auto,
        };
    }

    public override int Count(ReadOnlySpan<long> dims)
    {
        var count = dims[0];
        for (var axis = 0; axis < _kernel.Length; axis++)
            count *= Places(dims[axis + 2], axis).Count;

        return checked((int)count);
    }

    public override void Copy(ReadOnlySpan<float> values, ReadOnlySpan<long> dims, int at, int group, Span<float> into)
    {
        var isFlat = _kernel.Length == 1;
        var (height, width) = (isFlat ? 1 : dims[2], dims[^1]);
        var (rows, columns) = (isFlat ? (1, 0L) : Places(height, 0), Places(width, _kernel.Length - 1));
        var sample = at / (rows.Item1 * columns.Count);
        var (top, left) = (at / columns.Count % rows.Item1, at % columns.Count);
        var kernelRows = isFlat ? 1 : _kernel[0];
        var next = 0;
        for (var channel = 0; channel < _channels; channel++)
        {
            var plane = values.Slice((int)(((sample * dims[1]) + (group * _channels) + channel) * height * width), (int)(height * width));
            for (var i = 0; i < kernelRows; i++)
            {
                var y = isFlat ? 0 : (top * _strides[0]) - rows.Item2 + (i * _dilations[0]);
                for (var j = 0; j < _kernel[^1]; j++)
                {
                    var x = (left * _strides[^1]) - columns.Before + (j * _dilations[^1]);
                    into[next++] = y >= 0 && y < height && x >= 0 && x < width ? plane[(int)((y * width) + x)] : 0;
                }
            }
        }
    }

    // How often the kernel fits along an axis, and how far it begins before the edge.
    private (long Count, long Before) Places(long length, int axis)
    {
        var reach = ((_kernel[axis] - 1) * _dilations[axis]) + 1;
        if (_auto is "SAME_UPPER" or "SAME_LOWER")
        {
            var count = (length + _strides[axis] - 1) / _strides[axis];
            var missing = Math.Max(0, ((count - 1) * _strides[axis]) + reach - length);
            return (count, _auto == "SAME_UPPER" ? missing / 2 : (missing + 1) / 2);
        }

        var (before, after) = _auto == "VALID" ? (0L, 0L) : (_pads[axis], _pads[axis + _kernel.Length]);
        return (Math.Max(0, ((length + before + after - reach) / _strides[axis]) + 1), before);
    }

    private static long[] Of(IReadOnlyList<long> given, int count, long missing) =>
        given.Count == count ? [.. given] : [.. Enumerable.Repeat(missing, count)];
}
