namespace LoraOps.Tensors.Kernels;

/// <summary>What a tile needs of a vector width. Each operation is done for every lane alone, so that the width changes no bit.</summary>
/// <typeparam name="TVector">A vector of float32.</typeparam>
internal interface ILanes<TVector>
    where TVector : struct
{
    /// <summary>The float32 elements of a vector.</summary>
    static abstract int Width { get; }

    /// <summary>Loads a vector.</summary>
    static abstract TVector Load(ref float source, nuint offset);

    /// <summary>A vector of equal elements.</summary>
    static abstract TVector Create(float value);

    /// <summary>x · y + sum, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector x, TVector y, TVector sum);

    /// <summary>Widens two vectors of stored elements, adds, rounds and stores; false if a result is not finite.</summary>
    /// <typeparam name="TElement"><see cref="ushort"/> for bfloat16, or <see cref="float"/>.</typeparam>
    static abstract bool Add<TElement>(ref TElement stored, TVector low, TVector high)
        where TElement : unmanaged;
}
