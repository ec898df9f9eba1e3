using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LoraOps.Problems;

namespace LoraOps.Bundles;

/// <summary>A manifest's one spelling: fixed property order, two spaces, LF, shortest numbers, and a newline at the end.</summary>
internal static class ManifestJson
{
    // The default encoder writes every '>' and 'ü' as an escape: legal, but nobody could read it or grep in it.
    private static readonly JsonTypeInfo<BundleManifest> _type = (JsonTypeInfo<BundleManifest>)new ManifestJsonContext(
        new JsonSerializerOptions(ManifestJsonContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })
        .GetTypeInfo(typeof(BundleManifest))!;

    /// <summary>The bytes of <c>manifest.json</c>.</summary>
    public static byte[] Render(BundleManifest manifest) => [.. JsonSerializer.SerializeToUtf8Bytes(manifest, _type), (byte)'\n'];

    /// <summary>Reads a manifest and refuses what this version was not written for.</summary>
    /// <param name="bytes">The file's content, already bounded.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="LoraOpsException">It is no JSON, lacks or adds something, or is of another schema.</exception>
    public static BundleManifest Parse(ReadOnlySpan<byte> bytes, string path)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize(bytes, _type);
            return manifest is { Schema: BundleManifest.SchemaName, SchemaVersion: BundleManifest.CurrentSchemaVersion }
                ? manifest
                : throw new LoraOpsException(BundleProblems.ManifestInvalid(
                    path, $"it is not of the schema '{BundleManifest.SchemaName}' version {BundleManifest.CurrentSchemaVersion}"));
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException)
        {
            throw new LoraOpsException(BundleProblems.ManifestInvalid(path, damage.Message));
        }
    }
}

/// <summary>The code that reads and writes a manifest, generated at build.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    MaxDepth = 16,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BundleManifest))]
internal sealed partial class ManifestJsonContext : JsonSerializerContext;
