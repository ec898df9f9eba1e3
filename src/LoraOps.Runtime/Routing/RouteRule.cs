using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace LoraOps.Runtime.Routing;

/// <summary>Some requests and where they go.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Conditions">All of them must hold; none matches every request.</param>
/// <param name="Shares">The adapters, at least one, in the order of the file.</param>
/// <param name="Salt">Makes the choice of keys independent of other rules.</param>
public sealed record RouteRule(string Name, IReadOnlyList<RouteCondition> Conditions, IReadOnlyList<RouteShare> Shares, string Salt)
{
    /// <summary>True if all conditions hold.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> attributes)
    {
        foreach (var condition in Conditions)
        {
            if (!condition.Matches(attributes))
                return false;
        }

        return true;
    }

    /// <summary>The adapter of a key. Where the first share grows, the keys that it had stay with it.</summary>
    public string Choose(string key)
    {
        if (Shares.Count == 1)
            return Shares[0].Adapter;

        var at = Bucket(Salt, key);
        foreach (var share in Shares)
        {
            at -= share.Hundredths;
            if (at < 0)
                return share.Adapter;
        }

        return Shares[^1].Adapter;
    }

    /// <summary>
    /// The bucket of a key, 0 to 9999, the same in every process and on every machine: the first 8 bytes of
    /// SHA-256(UTF-8 of salt, U+0000, key) as a big-endian number, modulo 10000.
    /// </summary>
    public static int Bucket(string salt, string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{salt}\0{key}"));
        return (int)(BinaryPrimitives.ReadUInt64BigEndian(hash) % RouteShare.Whole);
    }
}
