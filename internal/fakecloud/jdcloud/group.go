// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import "slices"

// The documents of availability groups ("describeAg" of the ag service).
type (
	groupDocument struct {
		ID                string           `json:"id"`
		Name              string           `json:"name"`
		Description       string           `json:"description"`
		AZs               []string         `json:"azs"`
		AGType            string           `json:"agType"`
		CreateTime        string           `json:"createTime"`
		Count             int              `json:"count"`
		AutoScaling       bool             `json:"autoScaling"`
		ConfigurationType string           `json:"configurationType"`
		PlacementType     string           `json:"placementType"`
		Instances         []memberDocument `json:"instances"`
	}
	memberDocument struct {
		InstanceID   string `json:"instanceId"`
		InstanceName string `json:"instanceName"`
		Status       string `json:"status"`
		AGStatus     string `json:"agStatus"`
		IsManaged    bool   `json:"isManaged"`
		AZ           string `json:"az"`
	}
)

func (a *api) describeAg(r *request) reply {
	g := a.world.group(r.id)
	if g == nil || g.Region != r.region {
		return notFound()
	}
	return reply{result: map[string]any{"ag": a.groupDocument(r, g)}}
}

func (a *api) describeAgs(r *request) reply {
	f, bad := r.filters("agName", "agId", "placementType")
	if bad != nil {
		return *bad
	}
	var docs []groupDocument
	for _, g := range a.world.groups {
		if g.Region == r.region && f.allow("agName", g.Name) && f.allow("agId", g.ID) && f.allow("placementType", g.PlacementType) {
			docs = append(docs, a.groupDocument(r, g))
		}
	}
	return list(r, "ags", docs)
}

func (a *api) groupDocument(r *request, g *Group) groupDocument {
	d := groupDocument{
		ID: g.ID, Name: g.Name, AZs: []string{}, AGType: "vm", CreateTime: createdTime,
		ConfigurationType: "loose", PlacementType: g.PlacementType, Instances: []memberDocument{},
	}
	for _, m := range a.world.machines {
		if m.Group != g.ID || a.machine(r, m.ID) == nil {
			continue
		}
		d.Instances = append(d.Instances, memberDocument{m.ID, m.Name, a.status(r, m), "active", false, m.AZ})
		if !slices.Contains(d.AZs, m.AZ) {
			d.AZs = append(d.AZs, m.AZ)
		}
	}
	d.Count = len(d.Instances)
	return d
}
