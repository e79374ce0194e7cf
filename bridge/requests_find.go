package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

// summariesArguments filter client.summaries and client.count; null means no condition. After is what a page
// gave as next: a key as a decimal number, or an id behind a "=".
type summariesArguments struct {
	listArguments
	Version       *string  `json:"version"`
	Parent        *string  `json:"parent"`
	UpdatedFrom   *float64 `json:"updatedFrom"`
	UpdatedBefore *float64 `json:"updatedBefore"`
	Failure       *string  `json:"failure"`
	Held          *bool    `json:"held"`
	OrderBy       *string  `json:"orderBy"`
	After         *string  `json:"after"`
	GroupBy       []string `json:"groupBy"`
}

var ordersByName = map[string]provider.Order{
	"": provider.NewestFirst, "newest": provider.NewestFirst, "oldest": provider.OldestFirst, "id": provider.ByID,
}

// query gives the conditions; false where nothing can fit them.
func (a *summariesArguments) query() (q provider.ListQuery, ok bool, err error) {
	q, ok = a.listArguments.query()
	q.Version, q.Parent = valueOf(a.Version), valueOf(a.Parent)
	q.UpdatedFrom, q.UpdatedBefore = timeOf(a.UpdatedFrom), timeOf(a.UpdatedBefore)
	q.Failure, q.Held, q.Order = history.Class(valueOf(a.Failure)), a.Held, ordersByName[valueOf(a.OrderBy)]
	if a.After == nil {
		return q, ok, nil
	}
	id, isID := strings.CutPrefix(*a.After, "=")
	key, err := strconv.ParseUint(*a.After, 10, 64)
	if isID != (q.Order == provider.ByID) || !isID && err != nil {
		return q, false, &engine.InputError{Message: "options.after is not what a page in this order gave as next"}
	}
	if isID {
		q.After = &provider.Cursor{ID: id}
	} else {
		q.After = &provider.Cursor{Key: key}
	}
	return q, ok, nil
}

type summariesResult struct {
	Instances []summaryValue `json:"instances"`
	// Next is what After takes, where there may be others.
	Next *string `json:"next"`
}

type summaryValue struct {
	instanceValue
	FailureKind *string `json:"failureKind"`
}

func serveSummaries(ctx context.Context, c *engine.Client, a summariesArguments, _ string) (result, error) {
	v := summariesResult{Instances: []summaryValue{}}
	q, ok, err := a.query()
	if err != nil || !ok {
		return result{value: v}, err
	}
	page, err := c.Summaries(ctx, q)
	for _, s := range page.Instances {
		v.Instances = append(v.Instances, summaryValue{summaryOf(s.InstanceInfo), textOrNil(string(s.Failure))})
	}
	switch {
	case page.Next == nil:
	case q.Order == provider.ByID:
		v.Next = new("=" + page.Next.ID)
	default:
		v.Next = new(strconv.FormatUint(page.Next.Key, 10))
	}
	return result{value: v}, err
}

type countResult struct {
	Count  int          `json:"count"`
	Groups []groupValue `json:"groups"`
	More   bool         `json:"more"`
}

// groupValue counts a group; what it is not told apart by is left out, and so is what it does not have.
type groupValue struct {
	Status  *string `json:"status"`
	Name    *string `json:"name"`
	Version *string `json:"version"`
	Failure *string `json:"failure"`
	Count   int     `json:"count"`
}

func serveCount(ctx context.Context, c *engine.Client, a summariesArguments, _ string) (result, error) {
	v := countResult{Groups: []groupValue{}}
	q, ok, err := a.query()
	if err != nil || !ok {
		return result{value: v}, err
	}
	has := func(what string) bool { return slices.Contains(a.GroupBy, what) }
	by := provider.Grouping{Status: has("status"), Name: has("name"), Version: has("version"), Failure: has("failure")}
	var groups []provider.Group
	v.Count, groups, v.More, err = c.Count(ctx, q, by)
	for _, g := range groups {
		group := groupValue{
			Name: textOrNil(g.Name), Version: textOrNil(g.Version), Failure: textOrNil(string(g.Failure)), Count: g.Count,
		}
		if by.Status {
			group.Status = new(g.Status.String())
		}
		v.Groups = append(v.Groups, group)
	}
	return result{value: v}, err
}
