using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>A part of a file: bytes that are at hand, or a parameter's data.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Bytes">The bytes; empty for data.</param>
/// <param name="Data">The parameter whose elements stand here, or null.</param>
internal readonly record struct FilePiece(long Offset, byte[] Bytes, Tensor? Data = null);

/// <summary>Every byte of an <c>.onnx_adapter</c> before it is written; what lies between two pieces is zero.</summary>
/// <param name="Length">The length of the file.</param>
/// <param name="Pieces">In the order of their offsets, without overlap.</param>
internal sealed record AdapterFilePlan(long Length, IReadOnlyList<FilePiece> Pieces)
{
    private const int BlockBytes = 1 << 20;

    /// <summary>Gives all bytes in order, data block by block.</summary>
    public void WriteTo(Action<ReadOnlySpan<byte>> take)
    {
        var block = new byte[Math.Min(BlockBytes, Math.Max(1, Length))];
        var at = 0L;
        foreach (var piece in Pieces)
        {
            at = Pad(at, piece.Offset, take);
            take(piece.Bytes);
            at += piece.Bytes.Length;
            for (var done = 0L; piece.Data is { } data && done < data.ByteLength;)
            {
                var part = block.AsSpan(0, (int)Math.Min(block.Length, data.ByteLength - done));
                data.ReadBytes(done, part);
                take(part);
                done += part.Length;
                at += part.Length;
            }
        }

        Pad(at, Length, take);
    }

    /// <summary>What keeps an adapter from being written: every parameter that the format has no place for.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="path">Where it was to go, for messages.</param>
    public static IReadOnlyList<Problem> Obstacles(OnnxAdapter adapter, string path)
    {
        var problems = new List<Problem>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var parameter in adapter.Parameters)
        {
            if (!IsName(parameter.Name))
                problems.Add(OnnxAdapterProblems.ParameterName(path, $"'{parameter.Name}'", "has a name that is empty, too long or no text"));
            else if (!names.Add(parameter.Name))
                problems.Add(OnnxAdapterProblems.ParameterName(path, $"'{parameter.Name}'", "is there twice"));

            if (AdapterElements.NumberOf(parameter.Type) is null)
                problems.Add(OnnxAdapterProblems.ParameterInvalid(path, parameter.Name, $"is {parameter.Type.Name()}, which an adapter cannot carry"));

            if (parameter.Shape.Rank is 0 or > AdapterSchema.MostDims)
                problems.Add(OnnxAdapterProblems.ParameterInvalid(
                    path, parameter.Name, $"has {parameter.Shape.Rank} dimensions; 1 to {AdapterSchema.MostDims} are allowed"));
        }

        if (adapter.Parameters.Count > AdapterSchema.MostParameters)
            problems.Add(OnnxAdapterProblems.TooLarge(
                path, $"would have {adapter.Parameters.Count} parameters; at most {AdapterSchema.MostParameters} can be loaded"));

        var bytes = adapter.Parameters.Aggregate(UInt128.Zero, (sum, parameter) => sum + Size(parameter));
        if (bytes >= AdapterSchema.LengthLimit)
            problems.Add(OnnxAdapterProblems.TooLarge(path, $"would hold {bytes} bytes; the format ends at 2 GiB"));

        return problems;
    }

    private static UInt128 Size(Tensor parameter) =>
        ((UInt128)parameter.Shape.ElementCount * (uint)parameter.Type.Bits() / 8) + (uint)System.Text.Encoding.UTF8.GetByteCount(parameter.Name);

    private static bool IsName(string name) => name.Length > 0 && !name.Contains('\0', StringComparison.Ordinal)
        && System.Text.Encoding.UTF8.GetByteCount(name) <= AdapterSchema.MostNameBytes
        && !name.EnumerateRunes().Any(rune => rune == System.Text.Rune.ReplacementChar);

    private static long Pad(long at, long to, Action<ReadOnlySpan<byte>> take)
    {
        if (to > at)
            take(new byte[to - at]);

        return to;
    }
}
