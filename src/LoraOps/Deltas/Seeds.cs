using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>Seeds of random constants, as configs say them.</summary>
internal static class Seeds
{
    private const double Exact = 1L << 53;

    /// <summary>A whole number that PyTorch takes for a seed; a problem and 0 if the field has another value.</summary>
    public static long Of(AdapterConfig config, string field)
    {
        var number = config.Values.Number(field, 0);
        if (Math.Abs(number) <= Exact && Math.Truncate(number) == number)
            return (long)number;

        config.Values.Complain(field, config.Values.Raw(field)!.Value, "a whole number of at most 53 bits");
        return 0;
    }
}
