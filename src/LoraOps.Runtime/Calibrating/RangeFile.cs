using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Calibrating;

/// <summary>A tensor in a file of ranges.</summary>
/// <param name="Name">Its name in the prepared model.</param>
/// <param name="Identity">SHA-256 over all that it is computed from.</param>
/// <param name="Range">What the calibrator chose.</param>
/// <param name="Observed">The smallest and the largest value that it took.</param>
public sealed record StoredRange(string Name, string Identity, TensorRange Range, TensorRange Observed);

/// <summary>
/// The ranges of a calibration, to be looked at and used again: a JSON document. What the ranges hold for is told by content, not by names of
/// files: of the model by each tensor's identity, of the data by a digest.
/// </summary>
public sealed record RangeFile
{
    /// <summary>The file as it was named; empty for one that is not written yet.</summary>
    public string Path { get; init; } = "";

    /// <summary>SHA-256 over the identities of all values of the model.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 over the samples, as the model's inputs take them.</summary>
    public required string Data { get; init; }

    /// <summary>How many samples.</summary>
    public required int Samples { get; init; }

    /// <summary>How the ranges were chosen; the number of threads is not kept.</summary>
    public required CalibrationSettings Settings { get; init; }

    /// <summary>The tensors, in graph order.</summary>
    public required IReadOnlyList<StoredRange> Tensors { get; init; }

    /// <summary>The ranges of a calibration.</summary>
    /// <param name="prepared">The model that was calibrated.</param>
    /// <param name="ranges">What was found.</param>
    /// <param name="settings">How.</param>
    /// <param name="data">On which samples.</param>
    public static RangeFile Of(OnnxModel prepared, CalibratedRanges ranges, CalibrationSettings settings, SampleSet data)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        var identities = TensorIdentities.Of(prepared);
        return new RangeFile
        {
            Model = RangeDigests.OfModel(identities),
            Data = RangeDigests.OfData(prepared, data),
            Samples = ranges.Samples,
            Settings = settings,
            Tensors = [.. ranges.Tensors.Select(tensor => new StoredRange(tensor.Name, identities[tensor.Name], tensor.Range, tensor.Observed))],
        };
    }

    /// <summary>True if a file says at its beginning that it holds ranges.</summary>
    public static bool IsFile(string path) => RangeFileReader.IsFile(path);

    /// <summary>Reads a file.</summary>
    /// <exception cref="Problems.LoraOpsException">It is missing, or no file of ranges, or a field of it is wrong.</exception>
    public static RangeFile Load(string path) => RangeFileReader.Read(path);

    /// <summary>Writes the file: the same ranges give the same bytes.</summary>
    public void Save(string path) => RangeFileWriter.Write(this, path);

    /// <summary>The ranges by tensor, if the file is of this very model.</summary>
    /// <param name="prepared">The model.</param>
    /// <param name="tensors">The tensors whose ranges are wanted.</param>
    /// <exception cref="Problems.LoraOpsException">A tensor is missing, or is computed otherwise.</exception>
    public CalibratedRanges For(OnnxModel prepared, IReadOnlyList<string> tensors) => RangeReuse.All(this, prepared, tensors);
}
