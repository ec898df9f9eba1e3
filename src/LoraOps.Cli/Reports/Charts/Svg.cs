using System.Globalization;
using System.Text;

namespace LoraOps.Cli.Reports.Charts;

/// <summary>Numbers and paths of drawings, short and the same in every culture.</summary>
internal static class Svg
{
    /// <summary>A coordinate with at most two digits.</summary>
    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A place between 0 and 1 as percent of the width.</summary>
    public static string Percent(double share) => Number(Math.Clamp(double.IsNaN(share) ? 0 : share, 0, 1) * 100) + "%";

    /// <summary>A line through points; where a value is missing it is interrupted.</summary>
    public static string Line(IEnumerable<(double X, double? Y)> points)
    {
        var path = new StringBuilder();
        var pen = 'M';
        foreach (var (x, y) in points)
        {
            if (y is not { } there)
            {
                pen = 'M';
                continue;
            }

            path.Append(pen).Append(Number(x)).Append(' ').Append(Number(there));
            pen = 'L';
        }

        return path.ToString();
    }

    /// <summary>Dots at points: lines without length, whose ends are as wide as the pen however the drawing is stretched.</summary>
    public static string Dots(IEnumerable<(double X, double? Y)> points) =>
        string.Concat(points.Where(point => point.Y is not null).Select(point => $"M{Number(point.X)} {Number(point.Y.GetValueOrDefault())}h0"));
}
