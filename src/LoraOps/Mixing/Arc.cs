namespace LoraOps.Mixing;

/// <summary>
/// Angles of the half circle and their sines. The functions of the system's mathematical library differ in the last bit
/// from processor to processor; these use only operations that IEEE 754 rounds in one way. A few units in the last place.
/// </summary>
internal static class Arc
{
    // π is Math.PI and this.
    private const double PiRest = 1.2246467991473532e-16;
    private const int Halvings = 4;
    private const int TangentTerms = 10;
    private const int SineTerms = 14;

    /// <summary>The angle 0 … π of a cosine and a sine that is not negative; they need not lie on the circle exactly.</summary>
    public static double Of(double cosine, double sine)
    {
        if (cosine < 0)
            return Math.PI - (Of(-cosine, sine) - PiRest);

        var radius = Math.Sqrt((cosine * cosine) + (sine * sine));
        var (c, s) = (cosine / radius, sine / radius);
        for (var halving = 0; halving < Halvings; halving++)
        {
            c = Math.Sqrt((1 + c) / 2);
            s /= 2 * c;
        }

        var tangent = s / c;
        var sum = 0.0;
        for (var term = TangentTerms - 1; term >= 0; term--)
            sum = (1.0 / ((2 * term) + 1)) - (tangent * tangent * sum);

        return tangent * sum * (1 << Halvings);
    }

    /// <summary>The sine of any angle.</summary>
    public static double Sine(double angle)
    {
        var turned = Math.IEEERemainder(angle, 2 * Math.PI);
        var positive = Math.Abs(turned);
        var acute = positive > Math.PI / 2 ? Math.PI - positive + PiRest : positive;
        var sum = 0.0;
        for (var term = SineTerms - 1; term >= 1; term--)
            sum = (1 - sum) * acute * acute / (2 * term * ((2 * term) + 1));

        return (turned < 0 ? -acute : acute) * (1 - sum);
    }
}
