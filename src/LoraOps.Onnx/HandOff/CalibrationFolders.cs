using System.Globalization;
using System.Runtime.InteropServices;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Writers.Npy;

namespace LoraOps.Onnx.HandOff;

/// <summary>Calibration samples as Horizon's tools read them: a folder per input, in it a .npy file per run of the model.</summary>
public static class CalibrationFolders
{
    /// <summary>Fewer samples than this are too few for a good range, says the vendor.</summary>
    public const int Fewest = 100;

    /// <summary>More than this are not worth the time, says the vendor; then they are taken evenly from all.</summary>
    public const int Most = 500;

    /// <summary>What the folder of an input is called: its name, with what a path cannot hold replaced.</summary>
    /// <param name="inputs">All inputs, so that no two share a folder.</param>
    /// <param name="at">Which of them.</param>
    public static string NameOf(IReadOnlyList<HandOffInput> inputs, int at)
    {
        var name = Plain(inputs[at].Name);
        return Enumerable.Range(0, inputs.Count).Any(other => other != at && string.Equals(Plain(inputs[other].Name), name, StringComparison.OrdinalIgnoreCase))
            ? string.Create(CultureInfo.InvariantCulture, $"{name}_{at}")
            : name;
    }

    /// <summary>Writes the folders.</summary>
    /// <param name="inputs">The model's inputs.</param>
    /// <param name="samples">Arrays named like the inputs.</param>
    /// <param name="folder">Where the folders go.</param>
    /// <param name="model">The model, for messages.</param>
    /// <returns>How many files each folder has.</returns>
    /// <exception cref="LoraOpsException">An input has no samples of its type.</exception>
    public static int Write(IReadOnlyList<HandOffInput> inputs, SampleSet? samples, string folder, string model)
    {
        var arrays = inputs.Select(input => samples?.Find(input.Name) is { } array && Fits(array, input) ? array : null).ToList();
        var problems = inputs.Where((_, at) => arrays[at] is null).Select(input => HandOffProblems.SamplesMissing(model, input.Name)).ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var runs = 0;
        for (var i = 0; i < inputs.Count; i++)
        {
            var path = Path.Combine(folder, NameOf(inputs, i));
            Directory.CreateDirectory(path);
            runs = WriteInput(inputs[i], arrays[i] ?? throw new InvalidOperationException(inputs[i].Name), path);
        }

        return runs;
    }

    private static int WriteInput(HandOffInput input, Tensor array, string folder)
    {
        var batch = input.Dims.Count > 0 ? input.Dims[0] : 1;
        var total = Math.Max(1, array.Shape[0] / batch);
        var count = (int)Math.Min(total, Most);
        var row = array.Shape.RowLength;
        var shape = new TensorShape([batch, .. array.Shape.Dims[1..]]);
        for (var i = 0; i < count; i++)
        {
            var first = i * total / count * batch;
            var bytes = new byte[checked((int)(shape.ElementCount * input.Type.Bits() / 8))];
            var size = bytes.Length / checked((int)batch);

            // A model of a fixed batch that is larger than the set sees the last sample again.
            for (var at = 0; at < batch; at++)
                Read(array, input.Type, Math.Min(first + at, array.Shape[0] - 1) * row, bytes.AsSpan(at * size, size));

            NpyOutput.Write(
                Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{i:00000}.npy")), input.Type, shape, bytes);
        }

        return count;
    }

    private static void Read(Tensor array, ElementType type, long first, Span<byte> destination)
    {
        if (array.Type == type)
            array.ReadBytes(first * type.Bits() / 8, destination);
        else
            array.ReadFloats(first, MemoryMarshal.Cast<byte, float>(destination));
    }

    private static bool Fits(Tensor array, HandOffInput input) => array.Shape.Rank == Math.Max(1, input.Dims.Count)
        && NpyOutput.Holds(input.Type)
        && (array.Type == input.Type || (input.Type == ElementType.F32 && array.Type is ElementType.F16 or ElementType.BF16));

    private static string Plain(string name)
    {
        var plain = string.Concat(name.Take(100).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '_'));
        return plain.TrimEnd('.') is { Length: > 0 } usable ? usable : "input";
    }
}
