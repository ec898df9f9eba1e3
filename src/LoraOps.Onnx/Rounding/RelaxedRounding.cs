using LoraOps.Tensors.Kernels;

namespace LoraOps.Onnx.Rounding;

/// <summary>
/// AdaRound's relaxed problem for one row: uᵀ·H·u + λ·Σ(1 − |2h − 1|^β) over h = clip(σ(V)·(ζ − γ) + γ, 0, 1), where u = h − (share of a code
/// above the lower one), H is scaled to a mean diagonal of 1, and β falls from 20 to 2 after a warm start without the second term.
/// </summary>
internal static class RelaxedRounding
{
    private const double Zeta = 1.1;
    private const double Gamma = -0.1;
    private const double Lambda = 0.01;
    private const double Rate = 0.05;
    private const double WarmStart = 0.2;
    private const int MostSteps = 300;

    // Products of a step times rows: bounds the time of one layer to some seconds of a core.
    private const double Budget = 4e9;

    /// <summary>How many steps the layer gets; 0 if too few would fit to be of use.</summary>
    public static int Steps(RoundingLayer layer)
    {
        var products = Math.Max(1.0, (double)layer.Rows * layer.Columns * layer.Columns);
        var steps = (int)Math.Min(MostSteps, Budget / products);
        return steps < MostSteps / 6 ? 0 : steps;
    }

    /// <summary>Replaces the codes of a row by those that the relaxed problem ends at.</summary>
    public static void Run(RoundingLayer layer, int row, int[] codes, CodeBounds bounds, double[] matrix, int steps)
    {
        var size = codes.Length;
        var problem = new Relaxation(layer, row, bounds, matrix);
        for (var step = 0; step < steps; step++)
        {
            var progress = (step / (double)steps - WarmStart) / (1 - WarmStart);
            problem.Step(step + 1, progress < 0 ? null : 2 + (18 * (1 - progress)));
        }

        for (var i = 0; i < size; i++)
            codes[i] = problem.IsUp(i) ? bounds.High[i] : bounds.Low[i];
    }

    private sealed class Relaxation
    {
        private readonly double[] _share;
        private readonly double[] _weight;
        private readonly double[] _v;
        private readonly double[] _first;
        private readonly double[] _second;
        private readonly double[] _error;
        private readonly double[] _matrix;
        private readonly double _normal;

        public Relaxation(RoundingLayer layer, int row, CodeBounds bounds, double[] matrix)
        {
            var size = layer.Columns;
            (_share, _weight, _v) = (new double[size], new double[size], new double[size]);
            (_first, _second, _error, _matrix) = (new double[size], new double[size], new double[size], matrix);
            var trace = 0.0;
            var largest = 0.0;
            for (var i = 0; i < size; i++)
                largest = Math.Max(largest, layer.Scale(row, i));

            for (var i = 0; i < size; i++)
            {
                var gap = (bounds.High[i] - bounds.Low[i]) * layer.Scale(row, i);
                _share[i] = gap > 0 ? Math.Clamp((layer.Row(row)[i] - layer.Real(row, i, bounds.Low[i])) / gap, 0, 1) : 0;
                _weight[i] = gap / largest;
                _v[i] = -Math.Log(((Zeta - Gamma) / (_share[i] - Gamma)) - 1);
                trace += matrix[(i * size) + i];
            }

            _normal = trace > 0 ? size / trace : 0;
        }

        public bool IsUp(int column) => Height(_v[column]) >= 0.5;

        // Adam, with all inputs at once.
        public void Step(int number, double? beta)
        {
            var size = _v.Length;
            for (var i = 0; i < size; i++)
                _error[i] = (Height(_v[i]) - _share[i]) * _weight[i];

            var (fade, fadeSquares) = (1 - Math.Pow(0.9, number), 1 - Math.Pow(0.999, number));
            for (var i = 0; i < size; i++)
            {
                var gradient = Gradient(i, DotProduct.Of(_matrix.AsSpan(i * size, size), _error), beta);
                _first[i] = (0.9 * _first[i]) + (0.1 * gradient);
                _second[i] = (0.999 * _second[i]) + (0.001 * gradient * gradient);
                _v[i] -= Rate * (_first[i] / fade) / (Math.Sqrt(_second[i] / fadeSquares) + 1e-12);
            }
        }

        private double Gradient(int column, double product, double? beta)
        {
            var height = Height(_v[column]);
            var slope = height is > 0 and < 1 ? Slope(_v[column]) : 0;
            var gradient = 2 * _normal * _weight[column] * product;
            if (beta is { } power)
            {
                var distance = (2 * height) - 1;
                gradient -= Lambda * 2 * power * Math.Sign(distance) * Math.Pow(Math.Abs(distance), power - 1);
            }

            return gradient * slope;
        }

        private static double Height(double v) => Math.Clamp(((Zeta - Gamma) / (1 + Math.Exp(-v))) + Gamma, 0, 1);

        private static double Slope(double v)
        {
            var sigmoid = 1 / (1 + Math.Exp(-v));
            return (Zeta - Gamma) * sigmoid * (1 - sigmoid);
        }
    }
}
