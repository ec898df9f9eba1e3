namespace LoraOps.Cli.Reports.Html;

/// <summary>A section of the page.</summary>
/// <param name="Id">Its anchor.</param>
/// <param name="Title">Its heading.</param>
/// <param name="Lead">What it is about, for somebody who has not read the manual.</param>
/// <param name="Body">Its markup.</param>
internal sealed record HtmlSection(string Id, string Title, string Lead, string Body);
