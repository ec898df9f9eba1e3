using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Charts;

/// <summary>A number of each layer that is drawn, with a sign of its own.</summary>
/// <param name="Id">The class in the style sheet, which gives it a colour, a dash and the shape of its dots.</param>
/// <param name="Name">What people read.</param>
/// <param name="Mark">Its sign, drawn around 0, 0.</param>
/// <param name="Read">The number in dB.</param>
internal sealed record LayerSeries(string Id, string Name, string Mark, Func<LayerReport, double?> Read)
{
    /// <summary>The three numbers, in the order in which the error is made.</summary>
    public static IReadOnlyList<LayerSeries> All { get; } =
    [
        new("weights", "Weights", "M-4-4H4V4H-4Z", layer => layer.WeightSqnr),
        new("activations", "Activation, alone", "M4 0A4 4 0 1 1 4-.01Z", layer => layer.ActivationSqnr),
        new("outputs", "Output, with everything before it", "M0-5.5L5.5 0L0 5.5L-5.5 0Z", layer => layer.OutputSqnr),
    ];

    /// <summary>What the signs mean.</summary>
    public static string Legend(IEnumerable<LayerSeries> series) => $"<ul class=\"legend\">{string.Concat(series.Select(one =>
        $"<li><svg width=\"34\" height=\"14\" aria-hidden=\"true\"><path class=\"line {one.Id}\" d=\"M0 7H34\"/>" +
        $"<svg x=\"17\" y=\"7\" overflow=\"visible\"><path class=\"mark {one.Id}\" d=\"{one.Mark}\"/></svg></svg>{one.Name}</li>"))}</ul>\n";
}
