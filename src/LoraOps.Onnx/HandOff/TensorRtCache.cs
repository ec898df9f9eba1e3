using System.Globalization;
using System.Text;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>A tensor's line of a calibration cache.</summary>
/// <param name="Tensor">Its name.</param>
/// <param name="Scale">Its largest magnitude over 127.</param>
public readonly record struct TensorRtScale(string Tensor, float Scale);

/// <summary>
/// A calibration cache of TensorRT 10 and older: a header that names the version and the calibrator, then one line per tensor
/// whose eight digits are the bits of a float32, most significant first.
/// </summary>
/// <param name="Header">For example <c>TRT-100700-EntropyCalibration2</c>; another version of TensorRT refuses the file.</param>
/// <param name="Scales">One for each tensor, in the order of the file.</param>
public sealed record TensorRtCache(string Header, IReadOnlyList<TensorRtScale> Scales)
{
    private const string Kind = "TensorRT calibration cache";
    private const string Prefix = "TRT-";
    private const float Codes = 127;

    /// <summary>
    /// The scale of a range: its larger magnitude over 127. Taking the larger end as it is, without its magnitude, is the
    /// well-known mistake: a tensor of −10 … 2 would clip at 2.
    /// </summary>
    public static float ScaleOf(Quantizing.TensorRange range)
    {
        ArgumentNullException.ThrowIfNull(range);
        return Math.Max(Math.Abs(range.Min), Math.Abs(range.Max)) / Codes;
    }

    /// <summary>The header for a version such as 10.7.0 or 8.6.1.</summary>
    /// <param name="version">Major, minor and patch.</param>
    /// <param name="calibrator">The class of the calibrator that will read the cache.</param>
    public static string HeaderOf(string version, string calibrator)
    {
        var parts = version.Split('.').Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ArgumentException($"'{version}' is no version of TensorRT.", nameof(version))).Concat([0, 0]).Take(3).ToArray();

        // From 10 on the digits of NV_TENSORRT_VERSION have two places for each of minor and patch.
        var digits = parts[0] >= 10 ? (parts[0] * 10_000) + (parts[1] * 100) + parts[2] : (parts[0] * 1_000) + (parts[1] * 100) + parts[2];
        return string.Create(CultureInfo.InvariantCulture, $"{Prefix}{digits}-{calibrator}");
    }

    /// <summary>The text of the file.</summary>
    public string Render()
    {
        var text = new StringBuilder(Header).Append('\n');
        foreach (var (tensor, scale) in Scales)
            text.Append(tensor).Append(": ").Append(BitConverter.SingleToUInt32Bits(scale).ToString("x8", CultureInfo.InvariantCulture)).Append('\n');

        return text.ToString();
    }

    /// <summary>Reads a cache; TensorRT itself leaves leading zeros of a number out.</summary>
    /// <exception cref="LoraOpsException">It is missing, or no calibration cache.</exception>
    public static TensorRtCache Read(string path)
    {
        var lines = HandOffText.Read(path, Kind).ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        if (!lines[0].StartsWith(Prefix, StringComparison.Ordinal))
            throw Invalid(path, $"its first line does not begin with {Prefix}");

        var scales = new List<TensorRtScale>(lines.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 1; i < lines.Length; i++)
        {
            var scale = Line(lines[i]) ?? throw Invalid(path, $"line {i + 1} is not of the form 'tensor: 3c010204'");
            if (!seen.Add(scale.Tensor))
                throw Invalid(path, $"line {i + 1} names '{scale.Tensor}' a second time");

            scales.Add(scale);
        }

        return new TensorRtCache(lines[0], scales);
    }

    private static TensorRtScale? Line(string line)
    {
        var colon = line.LastIndexOf(": ", StringComparison.Ordinal);
        return colon > 0 && line.Length - colon - 2 <= 8
            && uint.TryParse(line.AsSpan(colon + 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits)
            && BitConverter.UInt32BitsToSingle(bits) is >= 0 and < float.PositiveInfinity and var scale
            ? new TensorRtScale(line[..colon], scale)
            : null;
    }

    private static LoraOpsException Invalid(string path, string what) => new(HandOffProblems.FileInvalid(path, Kind, what));
}
