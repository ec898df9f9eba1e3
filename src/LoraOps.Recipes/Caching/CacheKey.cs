using System.Globalization;
using System.Runtime.InteropServices;
using LoraOps.Bundles;
using LoraOps.Onnx.Graphs;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Recipes.Caching;

/// <summary>The address of a stage's result: SHA-256 over everything that could change it, and nothing else.</summary>
internal static class CacheKey
{
    // The version alone would let a result of yesterday's code pass for today's: the compiled modules name themselves by content.
    private static readonly string _code = string.Join('\n',
        new[] { typeof(Digest), typeof(OnnxModel), typeof(OnnxSession), typeof(CacheKey) }
            .Select(type => type.Module.ModuleVersionId.ToString())
            .Append(ManifestTool.This.Version)
            .Append(RuntimeInformation.ProcessArchitecture.ToString()));

    /// <summary>The key of a stage.</summary>
    /// <param name="stage">The stage's name.</param>
    /// <param name="inputs">Digests of its inputs and the spelling of its options, in a fixed order.</param>
    public static string Of(string stage, params IEnumerable<string> inputs) =>
        Digest.OfText(string.Join('\n', inputs.Select(Escaped).Prepend(stage).Prepend(_code)));

    /// <summary>The spelling of some gates.</summary>
    public static string Of(IEnumerable<Gate> gates) => string.Join(' ', gates.Select(gate => gate.ToString()));

    /// <summary>The spelling of how ranges are found; the number of threads changes nothing.</summary>
    public static string Of(CalibrationSettings settings) => string.Create(
        CultureInfo.InvariantCulture, $"{settings.Calibrator.Name} {settings.Percentile:R} {settings.Bins} {settings.MovingAverage:R}");

    // A text with a line end could otherwise pose as two inputs.
    private static string Escaped(string text) => $"{text.Length}:{text}";
}
